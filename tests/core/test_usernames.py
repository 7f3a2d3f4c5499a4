"""Usernames by DESIGN 6: every rule, every example, and names that were never meant for computers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onroll_core.people import Role
from onroll_core.usernames import (
    Format,
    Named,
    Waiting,
    clean_display,
    fold,
    letters,
    problem_with,
    problem_with_address,
)
from onroll_core.wordlists import is_reserved, is_unfortunate


def issue(form: Format, *people: tuple[str, str], entry: int | None = 2019) -> list[str]:
    """Names for people one after the other; a name that waits is shown as its reason."""
    taken: set[str] = set()
    found: list[str] = []
    for first, last in people:
        proposed = form.propose(first, last, entry, taken.__contains__)
        if isinstance(proposed, Named):
            taken.add(proposed.username)
            found.append(proposed.username)
        else:
            found.append(proposed.why)
    return found


def students(text: str, prefix: str = "", suffix: str = "") -> Format:
    return Format.parse(text, Role.STUDENT, prefix, suffix)


def test_the_two_potters() -> None:
    assert issue(students("{initial}.{last}"), ("Harry", "Potter"), ("Hermione", "Potter")) == ["h.potter", "h.potter1"]


def test_the_brothers_with_the_longest_name() -> None:
    name = "Llewelyn-Bowen Cholmondeley-Warner"
    found = issue(students("{initial}.{last}"), ("Laurence", name), ("Lionel", name))
    assert found == ["l.llewelynbowencholm", "l.llewelynbowenchol1"]
    assert {len(each) for each in found} == {20}


def test_the_tenth_of_a_name_has_two_digits_and_one_letter_less() -> None:
    found = issue(students("{initial}.{last}"), *[("Laurence", "Llewelynbowencholmondeley")] * 12)
    assert found[9] == "l.llewelynbowenchol9"
    assert found[10] == "l.llewelynbowencho10"
    assert len(set(found)) == 12


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{yoe2}{initial}{last}", "19aoneil"), ("{initial}{last}{yoe4}", "aoneil2019"), ("{first}.{last}", "annmarie.oneil"),
        ("{first}-{last}", "annmarie-oneil"), ("{last}{initial}", "oneila"), ("{yoe4}.{first}", "2019.annmarie"),
    ],
)  # fmt: skip
def test_elements_in_any_order(text: str, expected: str) -> None:
    assert issue(students(text), ("Ann-Marie", "O'Neil")) == [expected]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("O’Neil", "oneil"), ("van der Berg", "vanderberg"), ("Smith_Jones & Co", "smithjonesco"), ("Müller", "muller"),
        ("Straße", "strasse"), ("Łukasz", "lukasz"), ("Søren", "soren"), ("Þórður", "thordur"), ("Nguyễn", "nguyen"), ("Ğülşen", "gulsen"),
        ("李小龙", "lixiaolong"), ("Ng", "ng"), ("Zoe\u0308", "zoe"), ("D\u202eArcy", "darcy"), ("R2D2", "rd"), ("D’Arcy", "darcy"), ("Null", "null"),
        ("Əliyev", "aliyev"), ("احمد", "ahmd"), ("Юлія Їжак", "iuliiayizhak"), ("Παπαδοπούλου", "papadopoulou"), ("สมชาย", "smchaay"), ("김", "gim"),
        ("\ud800Ann\udfff", "ann"), ("A" * 10_000, "a" * 200), (" \t\u00a0", ""), ("👩‍🎓", ""), ("Æthelred", "aethelred"), ("მარია".upper(), "maria"),
    ],
)  # fmt: skip
def test_only_letters_are_left_of_a_name(name: str, expected: str) -> None:
    assert letters(name) == expected


def test_prefix_and_suffix_stay_whole_and_the_number_comes_at_the_very_end() -> None:
    form = students("{first}{last}", "mp-", ".students")
    found = issue(form, ("Bartholomew", "Smith"), ("Bartholomew", "Smith"))
    assert found == ["mp-bartholo.students", "mp-barthol.students1"]


def test_a_missing_part_leaves_no_stray_separator() -> None:
    assert issue(students("{initial}.{last}"), ("", "Cher")) == ["cher"]
    assert issue(students("{first}.{last}"), ("Plato", "")) == ["plato"]
    assert not issue(students("{first}.{last}"), ("Abcdefghijklmnopqrs", "T"))[0].endswith(".")


def test_a_name_without_letters_waits_with_a_proposal() -> None:
    waiting = students("{initial}{last}").propose("💥", "--", 2019, {"user"}.__contains__)
    assert isinstance(waiting, Waiting)
    assert waiting.proposal == "user1"


def test_a_year_that_is_needed_and_unknown_waits() -> None:
    waiting = students("{yoe2}{initial}{last}").propose("Ann", "Smith", None, set[str]().__contains__)
    assert isinstance(waiting, Waiting)
    assert "Year of Entry" in waiting.why


@pytest.mark.parametrize(
    ("first", "last"), [("Ad", "Min"), ("Post", "Master"), ("C", "On"), ("N", "Ul"), ("Com", ""), ("Administrator", "")]
)
def test_a_reserved_name_waits(first: str, last: str) -> None:
    waiting = students("{first}{last}").propose(first, last, None, set[str]().__contains__)
    assert isinstance(waiting, Waiting)
    assert problem_with(waiting.proposal) is None


@pytest.mark.parametrize(("first", "last"), [("Sam", "Hit"), ("Alan", "Rse"), ("Tom", "Wat"), ("Wendy", "Anker")])
def test_an_unfortunate_word_waits_with_another_proposal(first: str, last: str) -> None:
    for text in ("{initial}{last}", "{initial}.{last}", "{yoe2}{initial}{last}"):
        waiting = students(text).propose(first, last, 2019, set[str]().__contains__)
        assert isinstance(waiting, Waiting), text
        assert problem_with(waiting.proposal) is None


@pytest.mark.parametrize(
    "last",
    ["Scunthorpe", "Essex", "Dickinson", "Cockburn", "Hancock", "Sussex", "Cummings", "Assad", "Titmuss", "Shitta"],
)
def test_an_honest_name_is_nobodys_joke(last: str) -> None:
    assert isinstance(students("{initial}{last}").propose("Ann", last, 2019, set[str]().__contains__), Named)


@pytest.mark.parametrize(
    ("text", "role", "prefix", "suffix", "says"),
    [
        ("{initial}{lst}", Role.STUDENT, "", "", "Did you mean {last}"), ("{yoe2}{last}", Role.STAFF, "", "", "which usernames of staff cannot have"),
        ("{initial}+{last}", Role.STUDENT, "", "", "'+'"), ("x{last}", Role.STUDENT, "", "", "prefix or suffix"),
        ("{yoe4}", Role.STUDENT, "", "", "no part of a name"), ("{last", Role.STUDENT, "", "", "cannot be read"),
        ("{last}", Role.STUDENT, "toolong", "", "at most 5"), ("{last}", Role.STUDENT, "", "x" * 11, "at most 10"),
        ("{last}", Role.STUDENT, "A b", "", "letters a to z"), ("{last}", Role.STUDENT, "", "end.", "Windows"), ("", Role.STAFF, "", "", "no part"), ("{last}", Role.STUDENT, "-", "", "Windows"),
        ("{last}", Role.STUDENT, "", "..x", "single dots"), ("{last}", Role.STUDENT, "é", "", "letters a to z"), ("{First}", Role.STAFF, "", "", "Did you mean {first}?"),
        ("{first!r}", Role.STAFF, "", "", "inside its braces"), ("{last:>9}", Role.STAFF, "", "", "inside its braces"), ("{}", Role.STAFF, "", "", "{initial}, {first}, {last}"),
        ("{first}..{last}", Role.STAFF, "", "", "'..'"), (".{last}", Role.STAFF, "", "", "prefix or suffix"), ("{last}-", Role.STAFF, "", "", "prefix or suffix"),
    ],
)  # fmt: skip
def test_a_format_that_cannot_be_used_is_refused_in_a_sentence(
    text: str, role: Role, prefix: str, suffix: str, says: str
) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        Format.parse(text, role, prefix, suffix)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "username",
    ["administrator", "admin", "postmaster", "post.master", "abuse", "hostmaster", "webmaster", "root", "guest", "krbtgt", "con", "nul", "prn", "aux",
     "com1", "lpt9", "con.oneill", "aux.smith", "system", "localservice", "local-service", "noreply", "info", "support", "null"],
)  # fmt: skip
def test_the_names_that_systems_keep(username: str) -> None:
    assert is_reserved(username)


@pytest.mark.parametrize(
    "username",
    ["h.ead", "c.on", "connor", "conrad.smith", "nullah", "p.rn", "comfort", "adminton", "rootes", "i.t", "auxley"],
)
def test_names_that_only_look_like_a_systems(username: str) -> None:
    assert not is_reserved(username)


def test_a_prefix_does_not_make_an_administrator_of_anybody() -> None:
    waiting = students("{first}", "s-").propose("Admin", "", None, set[str]().__contains__)
    assert isinstance(waiting, Waiting)
    assert "s-admin" in waiting.why
    # Windows makes no folder con.oneill, whoever Con is; hyphen and prefix are what it minds not.
    assert isinstance(students("{first}.{last}").propose("Con", "O'Neill", None, set[str]().__contains__), Waiting)
    assert issue(students("{first}.{last}", "s-"), ("Con", "O'Neill")) == ["s-con.oneill"]
    assert issue(students("{first}-{last}"), ("Con", "O'Neill")) == ["con-oneill"]


def test_a_number_never_makes_a_device_of_a_name() -> None:
    assert isinstance(Format.parse("{last}", Role.STAFF).propose("", "Com", None, {"com"}.__contains__), Waiting)
    # lp, lp1, ... are free to be numbered; "lpt" with its number would be a printer.
    assert issue(Format.parse("{last}", Role.STAFF), ("", "Lp"), ("", "Lp")) == ["lp", "lp1"]


@pytest.mark.parametrize(
    "runs",
    [
        [["s"], ["hit"]],
        [["s", "hit"]],
        [["shit"]],
        [["a"], ["rse"]],
        [["arse"]],
        [["s", "hitchcock"]],
        [["takahashi", "t"]],
        [["wan", "kinobi"]],
    ],
)
def test_what_a_school_would_not_print(runs: list[list[str]]) -> None:
    assert is_unfortunate(runs)


@pytest.mark.parametrize(
    "runs",
    [
        *([[name]] for name in ("scunthorpe", "essex", "dickinson", "cockburn", "hancock", "penistone", "sussex", "cummings", "assad", "shitake", "lightwater")),
        [["s"], ["hitchcock"]], [["t", "watson"]], [["c", "umber"]], [["t", "itchen"]], [["h", "ancock"]], [["a", "scunthorpe"]], [["n", "ighy"]], [[]], [],
    ],
)  # fmt: skip
def test_what_only_a_machine_would_mind(runs: list[list[str]]) -> None:
    assert not is_unfortunate(runs)


def test_a_year_between_the_parts_keeps_the_seam_apart_but_not_the_whole() -> None:
    form = students("{initial}{yoe2}{last}")
    assert isinstance(form.propose("Sam", "Hit", 2019, set[str]().__contains__), Waiting)
    assert issue(form, ("Sam", "Hitchcock")) == ["s19hitchcock"]


def test_a_prefix_of_letters_is_read_with_the_name() -> None:
    assert isinstance(students("{last}", "s").propose("", "Hit", 2019, set[str]().__contains__), Waiting)
    assert issue(students("{last}", "s-"), ("", "Hit")) == ["s-hit"]


def test_a_username_is_asked_for_in_small_letters_alone() -> None:
    asked: list[str] = []
    students("{Initial}".lower() + ".{last}", "MP-").propose(
        "HARRY", "POTTER", None, lambda name: bool(asked.append(name))
    )
    assert asked == ["mp-h.potter"]


def test_when_the_cut_falls_on_a_separator_it_goes_too() -> None:
    form = students("{first}.{last}")
    assert issue(form, ("Abcdefghijklmnopqrs", "Tuvw"), ("Abcdefghijklmnopqrs", "Tuvw")) == [
        "abcdefghijklmnopqrs",
        "abcdefghijklmnopqrs1",
    ]


def test_with_no_number_left_the_name_waits() -> None:
    form = students("{last}", "abcde", "0123456789")
    issued = {
        "abcde" + "smith"[: 5 - len(number)] + "0123456789" + number for number in ["", *map(str, range(1, 10_000))]
    }
    waiting = form.propose("Ann", "Smith", None, issued.__contains__)
    assert isinstance(waiting, Waiting)
    assert "no number left" in waiting.why
    assert waiting.proposal == "abcdeann.s0123456789"


anything = st.text(max_size=60) | st.text(
    alphabet=st.characters(categories=["Cs", "Cc", "Cf", "Mn", "Lo", "So"]), max_size=10
)


@given(
    st.lists(st.tuples(anything, anything), max_size=20),
    st.sampled_from(["{yoe2}{initial}{last}", "{initial}.{last}", "{first}-{last}{yoe4}", "{last}"]),
    st.sampled_from(["", "a", "mp-"]),
    st.sampled_from(["", ".stu", "0123456789"]),
)
def test_whatever_people_are_called(people: list[tuple[str, str]], text: str, prefix: str, suffix: str) -> None:
    form = students(text, prefix, suffix)
    taken: set[str] = set()
    counters: dict[str, int] = {}
    for first, last in people:
        proposed = form.propose(first, last, 2019, taken.__contains__, counters)
        name = proposed.username if isinstance(proposed, Named) else proposed.proposal
        assert 0 < len(name) <= 20
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_")
        assert name not in taken
        assert name.rstrip("0123456789") == "" or name[-1] not in ".-_"
        assert ".." not in name
        assert name.startswith(prefix)
        assert re.fullmatch(rf"[1-9]?[0-9]*{re.escape(suffix[::-1])}.+", name[::-1])
        assert proposed == form.propose(first, last, 2019, taken.__contains__, dict(counters))
        if isinstance(proposed, Named):
            taken.add(name)


def test_five_hundred_of_one_name_are_named_without_counting_from_one_each_time() -> None:
    asked = 0
    taken: set[str] = set()

    def is_taken(name: str) -> bool:
        nonlocal asked
        asked += 1
        return name in taken

    counters: dict[str, int] = {}
    form = students("{yoe2}{initial}{last}")
    for _ in range(500):
        proposed = form.propose("Mohammed", "Khan", 2019, is_taken, counters)
        assert isinstance(proposed, Named)
        taken.add(proposed.username)
    assert len(taken) == 500
    assert asked < 1500


@given(anything)
def test_a_display_name_has_no_control_characters_and_is_stable(text: str) -> None:
    clean = clean_display(text)
    assert clean == clean.strip()
    assert "\u202e" not in clean
    assert all(ord(each) >= 32 for each in clean)
    assert clean_display(clean) == clean


def test_a_display_name_keeps_its_accents() -> None:
    assert clean_display("  Zoë \t van\u00a0Dĳk\u202e ") == "Zoë van Dĳk"
    assert clean_display("O’Neil\x00\r\nSmith\ud800") == "O’Neil Smith"
    assert clean_display("علی\u200cرضا") == "علی\u200cرضا"
    assert clean_display("\u200d \u2066\u2069") == ""


def test_names_are_compared_without_accents_case_and_punctuation() -> None:
    assert fold("O'Neil-Müller") == fold("oneil MULLER")
    assert fold("Zoë") != fold("Chloe")


@pytest.mark.parametrize(
    "username",
    ["", "a b", "UPPER", "zoë", "x" * 21, ".dot", "dot.", "two..dots", "con", "administrator", "a/b", "a@b", "a\x00b"],
)
def test_a_username_that_no_system_takes_is_refused(username: str) -> None:
    assert (problem_with(username) or "").endswith(".")


@pytest.mark.parametrize(
    "address", ["a@b", "@school.test", "a..b@school.test", "a@school..test", "zoë@school.test", "a@-x.test"]
)
def test_an_address_that_no_system_takes_is_refused(address: str) -> None:
    assert problem_with_address(address) is not None


@pytest.mark.parametrize(
    "address",
    [f"{'a' * 65}@school.test", f"a@{'b' * 64}.test", f"a@{'b.' * 130}test", "a@school", "a", "a@b.test@c.test"],
)
def test_an_address_that_is_too_long_or_half_of_one_is_refused(address: str) -> None:
    assert (problem_with_address(address) or "").endswith(".")


@pytest.mark.parametrize(
    "address", ["h.potter@milton-park.school.test", f"{'a' * 64}@xn--bcher-kva.test", "a_b-c@1.test"]
)
def test_an_ordinary_address_is_fine(address: str) -> None:
    assert problem_with_address(address) is None
