"""XML from outside: no DTD, no entity, nothing fetched; what is not XML is a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onroll_core.errors import Halt, Unavailable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def parse(body: bytes | str, what: str) -> Element:
    """The root element of `body`; `what` sent it (for sentences). Raises Unavailable when it is not XML, Halt for a DTD or entities."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except DefusedXmlException:
        raise Halt(
            f"{what} sent XML with a DTD or entities in it, which onroll never reads. Nothing was changed; find out who wrote that."
        ) from None
    except (ParseError, ValueError, LookupError) as failure:
        raise Unavailable(f"{what} sent something that is not whole XML ({failure}). Nothing was changed.") from None
    return root
