"""A school that never existed, with a directory that has been kept by hand for years: who is whom is known, and how the accounts came to differ."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from linking_names import CALLED, COMMUNITIES, OTHERWISE

from onroll_core.accounts import Account, Anchor, IdentityId, Observed
from onroll_core.identities import Identity, State
from onroll_core.people import Person, Role, SourceKey, Status
from onroll_core.usernames import letters

SCHOOL = "elsewhere"
DOMAIN = "elsewhere.test"
STYLES = ("by year", "by role", "flat", "year group and code")
"""How directories are laid out: OUs by year of entry, OUs by role alone, one OU for all, OUs by year group with usernames that are numbers."""
PIECES = "ack am bert bury by combe croft den don ers ford gate grave ham hurst ing kin lake ley low man mere more nell over pool rick sall ster stock thorpe ton vale wick worth".split()


@dataclass
class Made:
    """A school: its people, its accounts, and the truth. `kinds` says what happened to the account of a person."""

    style: str
    people: list[Identity] = field(default_factory=list)
    accounts: dict[Anchor, Account] = field(default_factory=dict)
    truth: dict[IdentityId, Anchor] = field(default_factory=dict)
    kinds: dict[IdentityId, str] = field(default_factory=dict)
    twins: set[IdentityId] = field(default_factory=set)
    doubles: set[IdentityId] = field(default_factory=set)
    strangers: set[Anchor] = field(default_factory=set)
    undecidable: set[Anchor] = field(default_factory=set)

    @property
    def observed(self) -> Observed:
        """The directory as a target sees it."""
        return Observed(self.accounts)


@dataclass
class Maker:
    """Makes one school from a seed."""

    chance: random.Random
    made: Made
    numbered: float
    logins: set[str] = field(default_factory=set)
    many: bool = False
    names: set[tuple[str, str]] = field(default_factory=set)
    number: int = 0

    # --- people ---

    def name(self) -> tuple[str, str]:
        """A first and a last name that go together. The lists of names are short, and would make more namesakes than schools have: most are drawn again."""
        found = self._name()
        while found in self.names and self.chance.random() < 0.9:
            found = self._name()
        self.names.add(found)
        return found

    def _name(self) -> tuple[str, str]:
        (community,) = self.chance.choices(COMMUNITIES, [each.share for each in COMMUNITIES])
        first, last = self.chance.choice(community.firsts), self.chance.choice(community.lasts)
        if self.many and self.chance.random() < 0.5:  # a trust has more surnames than a school
            last = last[:3] + "".join(self.chance.choice(PIECES) for _ in range(2))
        if self.chance.random() < 0.06:
            last = f"{last}-{self.chance.choice([each for each in community.lasts if each != last])}"
        if self.chance.random() < 0.04:
            first = f"{first} {self.chance.choice(community.firsts)}"
        return first, last

    def person(self, role: Role, first: str, last: str, entry: int | None = None, born: date | None = None) -> Identity:
        self.number += 1
        n = self.number
        entry = entry if entry is not None else 2014 + n % 7
        legal = {"legal_first": first, "legal_last": last}
        if role is Role.STUDENT:
            born = born or date(entry - 6, 9, 1) + timedelta(days=self.chance.randrange(365))
            more = {
                "upn": f"Q{800_000_000_000 + n}",
                "admission_number": f"{4000 + n:06}",
                "year_group": f"Year {2026 - entry + 1}",
                "dob": born,
            }
        else:
            entry_born = born or date(1965 + n % 35, 1 + n % 12, 1 + n % 28)
            more = {"staff_code": f"{letters(first)[:1]}{letters(last)[:2]}{n % 7 or ''}".upper(), "dob": entry_born}
        called = first
        if first in CALLED and self.chance.random() < 0.12:
            called = self.chance.choice(CALLED[first].split())
        person = Person(SourceKey(SCHOOL, f"{role.value}:{n}"), role, Status.ON_ROLL, called, last, **legal, **more)  # type: ignore[arg-type]
        identity = Identity(
            IdentityId(f"p{n:07}"),
            SCHOOL,
            role,
            person,
            State.ACTIVE,
            year_of_entry=entry if role is Role.STUDENT else None,
        )
        self.made.people.append(identity)
        return identity

    # --- accounts ---

    def place(self, role: Role, entry: int | None) -> str:
        match self.made.style:
            case "by year":
                return f"Pupils/{entry} intake" if role is Role.STUDENT else "Employees"
            case "by role":
                return "Learners" if role is Role.STUDENT else "Adults/Teaching"
            case "year group and code":
                return f"Users/Kids/Yr{2026 - (entry or 0) + 1}" if role is Role.STUDENT else "Users/Grown-ups"
            case _:
                return ""

    def login(self, role: Role, first: str, last: str, entry: int | None, number: str) -> str:
        one, two = letters(first), letters(last)
        if role is Role.STUDENT:
            wish = {
                "by year": f"{(entry or 0) % 100:02}{one[:1]}{two}", "by role": f"{one[:1]}{two}", "flat": f"{two}{one[:1]}", "year group and code": number.lower(),
            }[self.made.style]  # fmt: skip
        else:
            wish = f"{one[:1]}.{two}"
        if self.chance.random() < 0.05:  # another scheme of another technician
            wish = self.chance.choice([f"{one}.{two}", f"{two}{one[:2]}", f"{one[:3]}{two[:3]}", f"{one}{two[:1]}"])
        wish = wish[:20] or "user"
        found, count = wish, 0
        while found in self.logins:
            count += 1
            found = f"{wish[: 20 - len(str(count))]}{count}"
        self.logins.add(found)
        return found

    def account(self, person: Identity, first: str, last: str, **told: object) -> Anchor:
        """The account of somebody under these names."""
        number = person.person.admission_number or person.person.staff_code or ""
        login = self.login(person.role, first, last, person.year_of_entry, number)
        place = self.place(person.role, person.year_of_entry)
        attributes = {"employeeNumber": ""}
        if self.chance.random() < self.numbered:
            attributes = {"employeeNumber": (person.person.upn or person.person.staff_code or "")}
        values: dict[str, object] = {
            "display_name": f"{first} {last}",
            "given": first,
            "family": last,
            "place": place,
            "attributes": attributes,
        }
        anchor = Anchor(f"a{len(self.made.accounts):07}")
        self.made.accounts[anchor] = Account(login, f"{login}@{DOMAIN}", **(values | told))  # type: ignore[arg-type]
        return anchor

    def own(self, person: Identity, change: str) -> None:
        """The account of a person, with something that happened to it."""
        first, last = person.person.legal_first or "", person.person.legal_last or ""
        if self.chance.random() < 0.5:
            first = person.person.first or first
        anchor = CHANGES[change](self, person, first, last)
        self.made.truth[person.id] = anchor
        self.made.kinds[person.id] = change

    def stranger(self, first: str, last: str, role: Role, entry: int | None, **told: object) -> Anchor:
        """An account that is nobody's who is here."""
        anchor = Anchor(f"a{len(self.made.accounts):07}")
        login = self.login(role, first, last, entry, f"{self.chance.randrange(100_000):06}")
        values: dict[str, object] = {
            "display_name": f"{first} {last}".strip(), "given": first, "family": last, "place": self.place(role, entry), "attributes": {"employeeNumber": ""},
        }  # fmt: skip
        self.made.accounts[anchor] = Account(login, f"{login}@{DOMAIN}", **(values | told))  # type: ignore[arg-type]
        self.made.strangers.add(anchor)
        return anchor


Change = Callable[[Maker, Identity, str, str], Anchor]


def _plain(text: str) -> str:
    return "".join(
        each
        for each in unicodedata.normalize("NFD", text.translate(str.maketrans("łŁđĐıøØ", "lLdDioO")))
        if not unicodedata.combining(each)
    )


def _slip(it: Maker, text: str) -> str:
    """One letter left out, doubled, changed, or exchanged with the next."""
    if len(text) < 4:
        return text
    at = it.chance.randrange(1, len(text) - 1)
    kind = it.chance.randrange(4)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2:
        return text[:at] + it.chance.choice("aeionrst") + text[at + 1 :]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _otherwise(it: Maker, text: str) -> str:
    for old, new in it.chance.sample(OTHERWISE, len(OTHERWISE)):
        if old in text:
            return text.replace(old, new, 1)
    return _plain(text)


def _short(it: Maker, first: str) -> str:
    return it.chance.choice(CALLED.get(first, first).split() if first in CALLED else [first])


def _surname(it: Maker, last: str) -> str:
    """A last name as clerks shorten and join it."""
    if "-" in last:
        one, two = last.split("-", 1)
        if one in ("Al", "El", "Au"):
            return it.chance.choice([two, f"{one} {two}", f"{one}{two}"])
        return it.chance.choice([one, two, f"{one} {two}", f"{one}{two}"])
    if "'" in last:
        return last.replace("'", it.chance.choice(["", " ", "’"]))
    if last.startswith(("Mac", "Mc")):
        return last.replace(" ", "") if " " in last else last.replace("Mac", "Mac ", 1).replace("Mc", "Mc ", 1)
    return last.replace(" ", "") if " " in last else last


def _middle(it: Maker, p: Identity, f: str, s: str) -> Anchor:
    return it.account(p, f"{f} {it.name()[0].split()[0]}", s)


def _married(it: Maker, p: Identity, f: str, s: str) -> Anchor:
    return it.account(p, f, it.name()[1].split("-")[0] if p.role is Role.STAFF else s)


CHANGES: dict[str, Change] = {
    "as it is": lambda it, p, f, s: it.account(p, f, s),
    "accents lost": lambda it, p, f, s: it.account(p, _plain(f), _plain(s)),
    "spelt otherwise": lambda it, p, f, s: it.account(p, _otherwise(it, f), s) if it.chance.random() < 0.5 else it.account(p, f, _otherwise(it, s)),
    "short form": lambda it, p, f, s: it.account(p, _short(it, p.person.legal_first or f), s),
    "turned round": lambda it, p, f, s: it.account(p, f, s, given=s, family=f, display_name=f"{s} {f}"),
    "surname cut or joined": lambda it, p, f, s: it.account(p, f, _surname(it, s)),
    "middle name": _middle,
    "initial": lambda it, p, f, s: it.account(p, f, s, given=f[0], display_name=f"{f[0]} {s}"),
    "display name only": lambda it, p, f, s: it.account(p, f, s, given="", family="", display_name=f"{s}, {f}"),
    "display name with class": lambda it, p, f, s: it.account(p, f, s, given="", family="", display_name=f"{f} {s} {(p.person.year_group or 'Staff').removeprefix('Year ')}{'A' if p.year_of_entry else ''}"),
    "no first name": lambda it, p, f, s: it.account(p, f, s, given="", display_name=s),
    "no last name": lambda it, p, f, s: it.account(p, f, s, family="", display_name=f),
    "no names": lambda it, p, f, s: it.account(p, f, s, given="", family="", display_name=""),
    "another surname": _married,
    "a slip": lambda it, p, f, s: it.account(p, _slip(it, f), s) if it.chance.random() < 0.4 else it.account(p, f, _slip(it, s)),
    "capitals and spaces": lambda it, p, f, s: it.account(p, f, s, given=f"{f.upper()} ", family=f" {s.upper()}", display_name=f"{f.upper()} {s.upper()}  "),
    "year behind": lambda it, p, f, s: it.account(p, f, s, family=f"{s} ({p.year_of_entry or 2020})", display_name=f"{f} {s} ({p.year_of_entry or 2020})"),
    "title": lambda it, p, f, s: it.account(p, f, s, given="", family="", display_name=f"{it.chance.choice(['Mr', 'Mrs', 'Ms', 'Dr'])} {f[0]} {s}")
    if p.role is Role.STAFF
    else it.account(p, f, s),
}  # fmt: skip
WEIGHTS = (52, 5, 4, 8, 2, 5, 3, 2, 4, 3, 1, 1, 0.6, 1.5, 4, 2, 2, 2)


def make(seed: int, style: str, size: int = 1340, numbered: float = 0.0, hopeless: bool = False) -> Made:
    """A school of `size` accounts, 30 of them (in proportion) strangers', `numbered` of which hold a UPN or a staff code.

    Among the strangers are leavers who are called as somebody is who has no account. Where neither OUs nor usernames say the year, only their being
    disabled tells them apart; `hopeless` leaves them enabled there, and nothing but the name is left to go by.
    """
    it = Maker(random.Random(f"{seed} {style}"), Made(style), numbered, many=size > 5000)
    chance, made = it.chance, it.made
    part = max(1, size // 1340)
    strangers, without = 30 * part, 20 * part
    adults = size // 10
    for n in range(size - strangers + without - 12 * part - 4 * part - 1):
        role = Role.STAFF if n < adults else Role.STUDENT
        first, last = it.name()
        if role is Role.STUDENT and chance.random() < 0.06:
            last = chance.choice(made.people).person.last or last  # a brother, a cousin, a teacher's child
        it.person(role, first, last)
    _twins(it, 6 * part)
    _same_name(it, 2 * part)
    nobody = {each.id for each in chance.sample(made.people[: -12 * part - 4 * part - 1], without)}
    kinds = list(CHANGES)
    for person in made.people:
        if person.id not in nobody:
            it.own(person, chance.choices(kinds, WEIGHTS)[0])
    _two_records(it, 2 * part)
    _strangers(
        it, hopeless, [each for each in made.people if each.id in nobody and each.role is Role.STUDENT], strangers
    )
    _old_attributes_differ(made)
    return made


def _twins(it: Maker, pairs: int) -> None:
    """Same surname and birthday, and often first names that begin alike."""
    for n in range(pairs):
        first, last = it.name()
        first = first.split()[0]
        begins = {each for one in COMMUNITIES for each in one.firsts if n % 2 or each[0] == first[0]} - {first}
        other = it.chance.choice(sorted(begins or {f"{first}a"}))
        one = it.person(Role.STUDENT, first, last)
        two = it.person(Role.STUDENT, other, last, one.year_of_entry, one.person.dob)
        it.made.twins |= {one.id, two.id}


def _same_name(it: Maker, pairs: int) -> None:
    """Two pupils of one name; and somebody in two roles."""
    for _ in range(pairs):
        first, last = it.name()
        it.person(Role.STUDENT, first, last, 2015)
        it.person(Role.STUDENT, first, last, it.chance.choice([2015, 2018]))
    twice = it.chance.choice([each for each in it.made.people if each.role is Role.STUDENT])
    told = twice.person  # a sixth-former who is paid to help
    again = it.person(Role.STAFF, told.legal_first or "", told.legal_last or "", born=told.dob)
    it.made.doubles |= {twice.id, again.id}


def _two_records(it: Maker, count: int) -> None:
    """People whom the office has entered twice; the older record has the account."""
    for person in it.chance.sample(
        [each for each in it.made.people if each.role is Role.STUDENT and each.id in it.made.truth], count
    ):
        told = person.person
        again = it.person(Role.STUDENT, told.legal_first or "", told.legal_last or "", person.year_of_entry, told.dob)
        it.made.doubles |= {person.id, again.id}


def _strangers(it: Maker, hopeless: bool, without: list[Identity], count: int) -> None:
    """Service accounts, governors, leavers; some of them called as somebody who is here, and some as somebody who is here and has no account."""
    chance, made = it.chance, it.made
    present = [each for each in made.people if each.role is Role.STUDENT and each.id in made.truth]
    services = (
        "svc backup",
        "scanner",
        "Library Desk",
        "admin copier",
        "Test Pupil",
        "Exam Account",
        "Reception",
        "room 12",
    )
    for n in range(count):
        first, last = it.name()
        entry, enabled = 2003 + n % 9, chance.random() < 0.6
        kind = n % 6
        if kind == 0:
            it.stranger(
                "",
                "",
                Role.STAFF,
                None,
                display_name=chance.choice(services),
                place=made.style != "flat" and "Services" or "",
            )
        elif kind == 1:
            it.stranger(first, last, Role.STAFF, None, place=made.style != "flat" and "Governors" or "")
        elif kind in (2, 3):  # left, and called as nobody
            it.stranger(first, last, Role.STUDENT, entry, enabled=enabled)
        else:
            named = chance.choice(present if kind == 4 else without)
            told = named.person
            yearless = kind == 5 and made.style in ("flat", "by role")
            names = told.legal_first or "", told.legal_last or ""
            anchor = it.stranger(*names, Role.STUDENT, entry, enabled=hopeless if yearless else enabled)
            if yearless and hopeless:
                made.undecidable.add(anchor)


def _old_attributes_differ(made: Made) -> None:
    """Codes are not always as the MIS has them: one in forty accounts that hold one holds somebody's from before."""
    for n, (anchor, account) in enumerate(sorted(made.accounts.items())):
        if account.attributes.get("employeeNumber") and n % 40 == 0:
            made.accounts[anchor] = replace(account, attributes={"employeeNumber": f"OLD{n}"})
