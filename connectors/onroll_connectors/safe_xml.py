"""XML from outside: no DTD, and so no entity and nothing fetched; what is not XML is a sentence.

Every known attack by XML (entities that grow, entities that fetch, DTDs from elsewhere) needs a document type declaration. Expat is asked first whether
there is one, which costs a tenth of building the tree; the standard library's own parser then builds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onroll_core.errors import Halt, Unavailable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


class _Declared(Exception):
    """There is a document type declaration."""


def parse(body: bytes | str, what: str) -> Element:
    """The root element of `body`; `what` sent it (for sentences). Raises Unavailable when it is not XML, Halt for a DTD or entities."""
    from xml.etree.ElementTree import ParseError, fromstring
    from xml.parsers import expat

    try:
        refuse_dtd(body)
        root: Element = fromstring(body)
    except _Declared:
        raise Halt(
            f"{what} sent XML with a DTD or entities in it, which onroll never reads. Nothing was changed; find out who wrote that."
        ) from None
    except (ParseError, expat.ExpatError, ValueError, LookupError) as failure:
        raise Unavailable(f"{what} sent something that is not whole XML ({failure}). Nothing was changed.") from None
    return root


def refuse_dtd(body: bytes | str) -> None:
    """Raises when `body` declares a document type, ExpatError when it is not XML."""
    from xml.parsers import expat

    def declared(*_: object) -> None:
        raise _Declared

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = declared
    parser.EntityDeclHandler = declared
    parser.Parse(body, True)
