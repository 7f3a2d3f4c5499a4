"""Rows of an iSAMS Batch document, alike in XML and in JSON: attributes, texts and children, and nothing dropped that has another shape."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Protocol
from xml.etree.ElementTree import Element

from onroll_connectors.safe_xml import pieces
from onroll_connectors.shape import Shape, trimmed
from onroll_core.errors import Halt, Unavailable

SHAPE = Shape("iSAMS")
NOT_COMING = (
    "Enquiry", "Prospectus", "Registered", "Waiting List", "Offered", "Declined", "Denied", "Rejected", "Withdrawn", "Cancelled",
)  # fmt: skip
"""Admission statuses of those who do not come, or not yet, where a school has not changed iSAMS's words (each may)."""

_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*\?>")


class Row(Protocol):
    """One node. A text that is not there, or is only blanks, is None."""

    @property
    def name(self) -> str:
        """What the node is called."""
        ...

    def attribute(self, name: str) -> str | None:
        """The attribute `name`."""
        ...

    def text(self, name: str) -> str | None:
        """The text of the child `name`."""
        ...

    def rows(self, name: str, within: str) -> Iterable[Row]:
        """The nodes `name` in the child `within`; none where that is not there or has nothing in it."""
        ...


class XmlRow:
    """An element."""

    __slots__ = ("_element",)

    def __init__(self, element: Element) -> None:
        self._element = element

    @property
    def name(self) -> str:
        """See `Row`."""
        return self._element.tag

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

    def rows(self, name: str, within: str) -> Iterable[XmlRow]:
        """See `Row`."""
        found = self._element.find(within)
        return () if found is None else map(XmlRow, found.findall(name))


class JsonRow:
    """An object as XML becomes in JSON: attributes begin with @, a text beside attributes is #text, one child is no list."""

    __slots__ = ("_node", "name")

    def __init__(self, name: str, node: Mapping[str, Any]) -> None:
        self.name, self._node = name, node

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

    def rows(self, name: str, within: str) -> Iterable[JsonRow]:
        """See `Row`."""
        found = _children(self._node.get(within), within).get(name)
        return _rows(found, name)


def lists(body: bytes, as_json: bool) -> Iterator[tuple[str, str, Iterable[Row]]]:
    """The lists of a Batch document as (section, list, some of its rows), each at least once, be it empty.

    Raises Unavailable when it is no such document or not whole, Halt for a DTD; nothing that came before may then be believed.
    """
    if not as_json:
        for section, name, rows in pieces(without_declaration(body), "iSAMS", "iSAMS"):
            yield section, name, map(XmlRow, rows)
        return
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Unavailable("iSAMS answered with something that is not JSON. Nothing was changed.") from None
    root = SHAPE.table(SHAPE.table(told, "the document").get("iSAMS"), "iSAMS")
    for section, inside in root.items():
        for name, nodes in _children(inside, section).items():
            children = _children(nodes, name)
            yield section, name, (row for each, found in children.items() for row in _rows(found, each))


def _children(node: Any, where: str) -> Mapping[str, Any]:
    """The nodes in a node; one that is empty is null, or an empty text."""
    if node is None or node == "":
        return {}
    return {key: value for key, value in SHAPE.table(node, where).items() if not key.startswith(("@", "#"))}


def _rows(found: Any, name: str) -> Iterator[JsonRow]:
    """Several nodes are a list, one alone is an object."""
    if found is not None and found != "":
        for row in found if isinstance(found, list) else [found]:
            yield JsonRow(name, SHAPE.table(row, name))


def without_declaration(body: bytes) -> bytes:
    """`body` to be decoded by its bytes: iSAMS declares utf-16 over documents that it sends in UTF-8."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            body = body.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise Unavailable("iSAMS sent UTF-16 that is cut off. Nothing was changed.") from None
    body = body.removeprefix(b"\xef\xbb\xbf")
    return _DECLARATION.sub(b"", body, count=1)


def will_come(status: str, accepted: Collection[str], not_coming: Collection[str]) -> bool:
    """Whether an admission status is that of a pupil who will come. Raises Halt for one that the school has not told of."""
    word = status.casefold()
    if word in {each.casefold() for each in accepted}:
        return True
    if word in {each.casefold() for each in not_coming}:
        return False
    raise Halt(
        f"iSAMS has an applicant with the admission status {status!r}. Put it into accepted or into not_coming, in [school.source]. Nothing was changed."
    )
