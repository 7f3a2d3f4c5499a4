"""XML that attacks is refused, whatever its encoding; XML that is broken is a sentence."""

from __future__ import annotations

import pytest

from onroll_connectors.safe_xml import parse
from onroll_core.errors import Halt, Unavailable

LAUGHS = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
FETCHES = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'
DECLARES = '<!DOCTYPE a SYSTEM "https://elsewhere.test/a.dtd"><a/>'
PARAMETERS = '<!DOCTYPE a [<!ENTITY % b SYSTEM "https://elsewhere.test/b">%b;]><a/>'


@pytest.mark.parametrize("text", [LAUGHS, FETCHES, DECLARES, PARAMETERS])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_a_dtd_is_refused(text: str, encoding: str) -> None:
    with pytest.raises(Halt, match="DTD or entities"):
        parse(text.encode(encoding), "It")
    with pytest.raises(Halt, match="DTD or entities"):
        parse(text, "It")


@pytest.mark.parametrize(
    "body",
    [b"", b"<a>", b"<a></b>", b"<a>\x00</a>", b"not xml", b"<a/><b/>", b'<?xml version="1.0" encoding="no-such"?><a/>'],
)
def test_what_is_not_whole_is_a_sentence(body: bytes) -> None:
    with pytest.raises(Unavailable, match=r"It sent something that is not whole XML .*\."):
        parse(body, "It")


def test_what_is_whole_is_read_with_its_accents() -> None:
    assert parse("<a><b>Zoë &amp; Łukasz</b></a>".encode(), "It").findtext("b") == "Zoë & Łukasz"
    assert parse('<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'.encode("latin-1"), "It").text == "é"
