"""Rows of an iSAMS Batch document, alike in XML and in JSON: attributes, texts and children, and nothing dropped that has another shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from xml.etree.ElementTree import Element

from onroll_connectors.safe_xml import parse
from onroll_connectors.shape import Shape, trimmed
from onroll_core.errors import Unavailable

SHAPE = Shape("iSAMS")
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*\?>")


class Row(Protocol):
    """One node. A text that is not there, or is only blanks, is None."""

    def attribute(self, name: str) -> str | None:
        """The attribute `name`."""
        ...

    def text(self, name: str) -> str | None:
        """The text of the child `name`."""
        ...

    def child(self, name: str) -> Row | None:
        """The child `name`, or None where it is not there or has nothing in it."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is a child `name`, be it empty."""
        ...

    def rows(self, name: str | None = None) -> Iterator[Row]:
        """The children called `name`; all that are nodes of their own where it is None."""
        ...


class XmlRow:
    """An element."""

    __slots__ = ("_element",)

    def __init__(self, element: Element) -> None:
        self._element = element

    def attribute(self, name: str) -> str | None:
        """See `Row`."""
        return trimmed(self._element.get(name) or "") or None

    def text(self, name: str) -> str | None:
        """See `Row`."""
        found = self._element.find(name)
        if found is None:
            return None
        if len(found):
            raise Unavailable(f"iSAMS sent nodes where a text should be ({name}). Nothing was changed.")
        return trimmed(found.text or "") or None

    def child(self, name: str) -> XmlRow | None:
        """See `Row`."""
        found = self._element.find(name)
        return None if found is None else XmlRow(found)

    def has(self, name: str) -> bool:
        """See `Row`."""
        return self._element.find(name) is not None

    def rows(self, name: str | None = None) -> Iterator[XmlRow]:
        """See `Row`."""
        return (XmlRow(each) for each in (self._element if name is None else self._element.findall(name)))


class JsonRow:
    """An object as XML becomes in JSON: attributes begin with @, a text beside attributes is #text, one child is no list."""

    __slots__ = ("_node",)

    def __init__(self, node: Mapping[str, Any]) -> None:
        self._node = node

    def attribute(self, name: str) -> str | None:
        """See `Row`."""
        return SHAPE.text(self._node.get(f"@{name}"), name)

    def text(self, name: str) -> str | None:
        """See `Row`."""
        found = self._node.get(name)
        if isinstance(found, dict):
            if not all(key.startswith(("@", "#")) for key in found):
                raise Unavailable(f"iSAMS sent nodes where a text should be ({name}). Nothing was changed.")
            found = found.get("#text")
        return SHAPE.text(found, name)

    def child(self, name: str) -> JsonRow | None:
        """See `Row`."""
        found = self._node.get(name)
        return None if found is None or found == "" else JsonRow(SHAPE.table(found, name))

    def has(self, name: str) -> bool:
        """See `Row`."""
        return name in self._node

    def rows(self, name: str | None = None) -> Iterator[JsonRow]:
        """See `Row`."""
        names = (name,) if name is not None else tuple(key for key in self._node if not key.startswith(("@", "#")))
        for each in names:
            found = self._node.get(each)
            if found is None or found == "":
                continue
            for row in found if isinstance(found, list) else [found]:
                yield JsonRow(SHAPE.table(row, each))


def document(body: bytes, as_json: bool) -> Row:
    """The root of a Batch document. Raises Unavailable when it is none, Halt for a DTD."""
    if as_json:
        import json

        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            raise Unavailable("iSAMS answered with something that is not JSON. Nothing was changed.") from None
        root = SHAPE.table(told, "the document").get("iSAMS")
        return JsonRow(SHAPE.table(root, "iSAMS"))
    element = parse(without_declaration(body), "iSAMS")
    if element.tag != "iSAMS":
        raise Unavailable(
            f"iSAMS answered with a {element.tag[:40]} document, not with one of its own. Nothing was changed."
        )
    return XmlRow(element)


def without_declaration(body: bytes) -> bytes:
    """`body` to be decoded by its bytes: iSAMS declares utf-16 over documents that it sends in UTF-8."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            body = body.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise Unavailable("iSAMS sent UTF-16 that is cut off. Nothing was changed.") from None
    body = body.removeprefix(b"\xef\xbb\xbf")
    return _DECLARATION.sub(b"", body, count=1)
