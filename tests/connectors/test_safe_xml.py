"""XML that attacks is refused, whatever its encoding; XML that is broken is a sentence."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from onroll_connectors.safe_xml import parse, pieces
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
    with pytest.raises(Halt, match="DTD or entities"):
        list(pieces(text.encode(encoding), "It", "a"))


@pytest.mark.parametrize("before", ["<!-- {} -->", "<?p {}?>", "{}"])
def test_a_dtd_is_refused_however_late_it_comes(before: str) -> None:
    with pytest.raises(Halt, match="DTD or entities"):
        parse(before.format(" " * 5000) + DECLARES, "It")
    with pytest.raises(Unavailable, match="not whole XML"):
        parse("<a>" + DECLARES + "</a>", "It")


@pytest.mark.parametrize(
    "body",
    [b"", b"<a>", b"<a></b>", b"<a>\x00</a>", b"not xml", b"<a/><b/>", b'<?xml version="1.0" encoding="no-such"?><a/>'],
)
def test_what_is_not_whole_is_a_sentence(body: bytes) -> None:
    with pytest.raises(Unavailable, match=r"It sent something that is not whole XML .*\."):
        parse(body, "It")
    with pytest.raises(Unavailable, match=r"It sent something that is not whole XML .*\."):
        list(pieces(body, "It", "a"))


def test_what_is_whole_is_read_with_its_accents() -> None:
    assert parse("<a><b>Zoë &amp; Łukasz</b></a>".encode(), "It").findtext("b") == "Zoë & Łukasz"
    assert parse('<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'.encode("latin-1"), "It").text == "é"


def rows(count: int, width: int = 40) -> str:
    return "".join(f'<r n="{n}"><t>{"é" * width}</t> </r>\n' for n in range(count))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("count", [0, 1, 2, 3000])
def test_pieces_are_the_whole_and_each_comes_once(count: int, encoding: str) -> None:
    text = f"<a><one><l>{rows(count)}</l><empty/> <m>{rows(count)}</m></one><none/><two><l>{rows(count)}</l></two></a>"
    found: dict[tuple[str, str], list[str | None]] = {}
    pieced = 0
    for section, name, nodes in pieces(text.encode(encoding), "It", "a"):
        assert all(each.findtext("t") == "é" * 40 for each in nodes)
        found.setdefault((section, name), []).extend(each.get("n") for each in nodes)
        pieced += 1
    whole = [str(n) for n in range(count)]
    assert found == {("one", "l"): whole, ("one", "empty"): [], ("one", "m"): whole, ("two", "l"): whole}
    assert pieced >= (8 if count == 3000 else 4)


def test_pieces_of_another_document_are_none() -> None:
    with pytest.raises(Unavailable, match="sent a html document where a was expected"):
        list(pieces(b"<html><body/></html>", "It", "a"))


def test_pieces_need_little_memory_beside_the_text() -> None:
    body = f"<a><one><l>{rows(20_000)}</l></one></a>".encode()

    def peak(read: Callable[[], object]) -> int:
        tracemalloc.start()
        try:
            read()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    in_pieces = peak(lambda: sum(len(nodes) for _, _, nodes in pieces(body, "It", "a")))
    assert in_pieces < peak(lambda: parse(body, "It")) / 4
