"""What a security descriptor allows, and what would be inherited from it, without a directory."""

from __future__ import annotations

import struct
from uuid import UUID

import pytest

from delegated import with_entries
from onroll_connectors.targets.ad_descriptors import (
    CONTROL,
    CREATE_CHILD,
    CREATOR_OWNER,
    DELETE,
    READ,
    WRITE,
    Ace,
    allowed,
    inherited,
    parse,
)

MAIL, PERSONAL, USER, GROUP, UNIT = (UUID(int=each) for each in range(1, 6))
ME, MINE, OTHER = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-513", "S-1-5-21-1-2-3-1002"
_SYSTEM = bytes.fromhex("010100000000000512000000")
BARE = struct.pack("<BBHIIII", 1, 0, 0x8004, 20, 32, 0, 44) + _SYSTEM * 2 + struct.pack("<BBHHH", 4, 0, 8, 0, 0)


def aces(*sddl: str) -> tuple[Ace, ...]:
    return parse(with_entries(BARE, sddl))


def test_an_entry_is_read_as_it_was_written() -> None:
    (found,) = aces(f"(OA;CIIO;WP;{MAIL};{USER};{ME})")
    assert found == Ace(True, 10, WRITE, ME, MAIL, USER)
    assert aces(f"(D;;SD;;;{ME})") == (Ace(False, 0, DELETE, ME),)


@pytest.mark.parametrize(
    ("sddl", "may"),
    [
        ([f"(OA;;WP;{MAIL};;{ME})"], True),
        ([f"(OA;;WP;{PERSONAL};;{MINE})"], True),  # by its property set, and to a group
        ([f"(A;;WP;;;{ME})"], True),
        ([f"(OA;;WP;{GROUP};;{ME})"], False),
        ([f"(OA;;RP;{MAIL};;{ME})"], False),
        ([f"(OA;;WP;{MAIL};;{OTHER})"], False),
        ([f"(OA;CIIO;WP;{MAIL};;{ME})"], False),  # says nothing of the object itself
        ([f"(OA;;WP;{MAIL};;{ME})", f"(OD;;WP;{MAIL};;{MINE})"], False),
        ([f"(OA;;WP;{MAIL};;{ME})", f"(OD;;WP;{MAIL};;{OTHER})"], True),
        ([], False),
    ],
)
def test_the_first_entry_that_speaks_of_it_decides(sddl: list[str], may: bool) -> None:
    assert allowed(aces(*sddl), (ME, MINE), WRITE, (MAIL, PERSONAL)) is may


def test_an_explicit_permission_comes_before_an_inherited_denial() -> None:
    explicit, denial = Ace(True, 0, WRITE, ME), Ace(False, 16, WRITE, ME)
    assert allowed((explicit, denial), (ME,), WRITE)
    assert not allowed((denial, explicit), (ME,), WRITE)


def test_generic_bits_stand_for_what_they_do_in_a_directory() -> None:
    raw = bytearray(with_entries(BARE, [f"(A;;WP;;;{ME})"]))
    at = raw.index(struct.pack("<I", WRITE), len(BARE) - 8 + 12)
    raw[at : at + 4] = struct.pack("<I", 0x10000000)
    for bit in (CREATE_CHILD, READ, WRITE, CONTROL, DELETE):
        assert allowed(parse(bytes(raw)), (ME,), bit)
    raw[at : at + 4] = struct.pack("<I", 0x80000000)
    assert allowed(parse(bytes(raw)), (ME,), READ) and not allowed(parse(bytes(raw)), (ME,), WRITE)


def test_a_new_object_gets_what_is_for_its_class_and_hands_on_the_rest() -> None:
    top = aces(
        f"(OA;CIIO;WP;{MAIL};{USER};{ME})", f"(A;;SD;;;{ME})", f"(OA;CI;CC;{USER};;{ME})", f"(OA;CINP;RP;;{UNIT};{ME})"
    )
    unit = inherited(top, UNIT, ME)
    assert allowed(unit, (ME,), CREATE_CHILD, (USER,))
    assert allowed(unit, (ME,), READ, ())
    assert not allowed(unit, (ME,), DELETE) and not allowed(unit, (ME,), WRITE, (MAIL,))
    assert allowed(inherited(unit, USER, ME), (ME,), WRITE, (MAIL,))
    assert not allowed(inherited(unit, GROUP, ME), (ME,), WRITE, (MAIL,))
    assert not allowed(inherited(unit, UNIT, ME), (ME,), READ, ())  # one level and no further


def test_whoever_makes_an_object_is_its_creator_owner() -> None:
    top = aces(f"(OA;CIIO;WP;{MAIL};{USER};{CREATOR_OWNER})")
    assert allowed(inherited(top, USER, ME), (ME,), WRITE, (MAIL,))
    assert not allowed(inherited(top, USER, OTHER), (ME,), WRITE, (MAIL,))


def test_without_a_list_everybody_may_do_everything_and_with_an_empty_one_nobody() -> None:
    without = struct.pack("<BBHIIII", 1, 0, 0x8000, 20, 32, 0, 0) + _SYSTEM * 2
    assert allowed(parse(without), ("S-1-1-0",), DELETE)
    assert not allowed(parse(BARE), ("S-1-1-0",), DELETE)


def test_conditional_entries_are_left_out_and_garbage_is_an_error() -> None:
    raw = bytearray(with_entries(BARE, [f"(A;;WP;;;{ME})", f"(A;;RP;;;{ME})"]))
    raw[raw.index(struct.pack("<I", WRITE), len(BARE) - 8 + 12) - 4] = 9
    assert [each.mask for each in parse(bytes(raw))] == [READ]
    for broken in (b"", b"\x01", bytes(raw)[:60], bytes(raw)[:-3]):
        with pytest.raises(ValueError, match="not a security descriptor"):
            parse(broken)
