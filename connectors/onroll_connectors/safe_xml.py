"""XML from outside: no DTD, and so no entity and nothing fetched; what is not XML is a sentence.

Every known attack by XML (entities that grow, entities that fetch, DTDs from elsewhere) needs a document type declaration, which can only stand before
the root element. Expat reads as far as that first; the standard library's own parser then builds the tree, or hands it out in pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from onroll_core.errors import Halt, Unavailable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


class _Declared(Exception):
    """There is a document type declaration."""


_PIECE, _PROLOG = 65_536, 1024


def parse(body: bytes | str, what: str) -> Element:
    """The root element of `body`; `what` sent it (for sentences). Raises Unavailable when it is not XML, Halt for a DTD or entities."""
    from xml.etree.ElementTree import fromstring

    with _sentences(what):
        refuse_dtd(body)
        root: Element = fromstring(body)
    return root


def pieces(body: bytes, what: str, root: str) -> Iterator[tuple[str, str, list[Element]]]:
    """The nodes three below the element `root`, a few at a time: the names of the two nodes around them, and the nodes themselves.

    Each node two below comes up at least once, be it empty; a long one comes in several pieces. A piece is forgotten when the next is asked for, so
    that a document needs little more memory than its text. Raises as `parse` does, and Unavailable for another root: nothing that came before may
    then be believed.
    """
    from xml.etree.ElementTree import XMLPullParser

    with _sentences(what):
        refuse_dtd(body)
        parser: XMLPullParser[Any] = XMLPullParser(["start"])
        tree: Element | None = None
        for start in range(0, len(body), _PIECE):
            parser.feed(body[start : start + _PIECE])
            for event in parser.read_events():  # to the last, for they pile up otherwise
                if tree is None:
                    tree = _rooted(event, root, what)
            if tree is not None:
                yield from _whole(tree, growing=1)
        parser.close()
        if tree is not None:
            yield from _whole(tree, growing=0)


def _rooted(begun: Any, root: str, what: str) -> Element:
    """The root element, of the event that it began."""
    element: Element = begun[1]
    if element.tag != root:
        raise Unavailable(f"{what} sent a {element.tag[:40]} document where {root} was expected. Nothing was changed.")
    return element


def _whole(tree: Element, growing: int) -> Iterator[tuple[str, str, list[Element]]]:
    """What is whole by now, which goes from the tree; the last `growing` nodes of each level may still grow."""
    while len(tree) > growing:
        yield from _lists(tree[0], 0)
        del tree[0]
    if len(tree):
        yield from _lists(tree[0], growing)


def _lists(section: Element, growing: int) -> Iterator[tuple[str, str, list[Element]]]:
    while len(section) > growing:
        yield section.tag, section[0].tag, list(section[0])
        del section[0]
    if len(section):
        rows = section[0][:-growing]
        if rows:
            yield section.tag, section[0].tag, rows
            del section[0][:-growing]


@contextmanager
def _sentences(what: str) -> Iterator[None]:
    from xml.etree.ElementTree import ParseError
    from xml.parsers import expat

    try:
        yield
    except _Declared:
        raise Halt(
            f"{what} sent XML with a DTD or entities in it, which onroll never reads. Nothing was changed; find out who wrote that."
        ) from None
    except (ParseError, expat.ExpatError, ValueError, LookupError) as failure:
        raise Unavailable(f"{what} sent something that is not whole XML ({failure}). Nothing was changed.") from None


def refuse_dtd(body: bytes | str) -> None:
    """Raises when `body` declares a document type, ExpatError when it is not XML up to its root element."""
    from xml.parsers import expat

    def declared(*_: object) -> None:
        raise _Declared

    begun: list[object] = []
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = declared
    parser.EntityDeclHandler = declared
    parser.StartElementHandler = lambda name, _: begun.append(name)
    for start in range(0, len(body), _PROLOG):
        parser.Parse(body[start : start + _PROLOG], False)
        if begun:
            return
    parser.Parse(b"", True)
