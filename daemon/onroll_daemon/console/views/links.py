"""Link accounts: the newest look at a target with what has been decided since, and the pairs of it that somebody chose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onroll_core.accounts import Anchor, IdentityId
from onroll_core.errors import Refused
from onroll_core.identities import Identity
from onroll_core.linking.links import Names, digest
from onroll_core.usernames import fold
from onroll_daemon.console.place import Place
from onroll_daemon.console.refusals import NoSuch
from onroll_daemon.console.views.cohorts import in_order

LIKELY, POSSIBLE = "likely", "possible"
TABS: Mapping[str, tuple[str, str]] = {
    "likely": ("Likely", "The names, and often a number, are the same. Look through them, and confirm them all at once."),
    "possible": ("Possible", "The names are alike: a nickname, another spelling, a name that changed. Look at each."),
    "ambiguous": ("Ambiguous", "More than one person or account fits: twins, two records of one person, a common name. Each is decided by hand."),
    "linked": ("Linked", "These accounts are theirs. onroll looks after them from the next sync on."),
    "accounts": ("Account without MIS record", "Nobody in the MIS fits these accounts. onroll leaves them as they are."),
    "people": ("MIS record without account", "No account fits these people of the MIS. Where the MIS drives, they get one at the next sync."),
    "outside": ("Not in the MIS", "These people were added by hand, and no account fits them."),
}  # fmt: skip
NAMES = {
    "linked": "linked",
    "likely": "likely",
    "possible": "possible",
    "ambiguous": "ambiguous",
    "accounts": "account without MIS record",
    "people": "MIS record without account",
    "outside": "not in the MIS",
}
"""The lists as the command line and the API call them, by the tab that shows each."""
AT_ONCE = (LIKELY, POSSIBLE)
SUGGESTED = ("likely", "possible", "ambiguous")
PER_PAGE = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; "" stands for any."""

    q: str = ""
    role: str = ""
    year: str = ""
    registration: str = ""

    @property
    def any(self) -> bool:
        """True when something is left out."""
        return bool(self.q or self.role or self.year or self.registration)

    def asked(self) -> dict[str, str]:
        """Those that narrow anything, as an address has them."""
        told = {"q": self.q, "role": self.role, "year": self.year, "registration": self.registration}
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list: a person ("ours"), an account ("theirs"), or both, in the words of the look (`onroll_daemon.desk.links.links`). `hindered` says why
    the two cannot be linked, `becomes` what would be renamed by it."""

    tab: str
    ours: Mapping[str, Any] | None
    theirs: Mapping[str, Any] | None
    why: str = ""
    hindered: str = ""
    becomes: str = ""

    @property
    def pair(self) -> str:
        """The pair as a form sends it; "" where a side is missing."""
        return f"{self.ours['identity']} {self.theirs['anchor']}" if self.ours and self.theirs else ""

    @property
    def sort(self) -> str:
        """By the person's name, else by the account's."""
        return str((self.ours or {}).get("name") or (self.theirs or {}).get("login") or "").casefold()


@dataclass(frozen=True, slots=True)
class Seen:
    """A look at a target of a school: `at` is when (ISO); `rows` are all lists of it as they stand now."""

    target: str
    at: str
    rows: Sequence[Row]
    people: Mapping[IdentityId, Identity] = field(repr=False)

    @property
    def counts(self) -> dict[str, int]:
        """How many lines each list has, by tab."""
        found = Counter(row.tab for row in self.rows)
        return {tab: found[tab] for tab in TABS}

    def of(self, tab: str, filters: Filters) -> list[Row]:
        """The lines of a list that fit, by name."""
        words = [fold(word) for word in filters.q.split()]
        return sorted(
            (row for row in self.rows if row.tab == tab and _fits(row, filters, words)), key=lambda each: each.sort
        )

    def choices(self, name: str) -> list[str]:
        """What there is of a value of people: role, year or registration_group."""
        return sorted({each.ours[name] for each in self.rows if each.ours and each.ours[name]}, key=in_order)

    @property
    def accounts(self) -> dict[str, Anchor]:
        """Anchors by sign-in name and address, in lower case."""
        told = [row.theirs for row in self.rows if row.theirs]
        return {
            text.lower(): Anchor(each["anchor"]) for each in told for text in (each["login"], each["email"]) if text
        }


def target_in(place: Place, school: str, named: str) -> str:
    """The target that is meant: the one that was named, else the one whose accounts are linked first. Raises NoSuch, and Refused where there is none."""
    settings = place.settings.schools[school]
    if not settings.targets:
        raise Refused(f"{settings.rules.name} has no target, and so no accounts to link.")
    if not named:
        return settings.rules.driver or settings.targets[0]
    if named not in settings.targets:
        raise NoSuch("The school has no such target.")
    return named


def keep_of(text: str) -> Names:
    """Whose names count. Raises Refused for another word."""
    if text in ("", "theirs"):
        return "theirs"
    if text == "ours":
        return "ours"
    raise Refused("Whose names count is told as theirs or ours. Nothing was done.")


def seen(place: Place, school: str, target: str, keep: Names) -> Seen | None:
    """The newest look at a target, with what was linked, taken back and turned down since; None when nobody has looked yet."""
    looked = place.store.requests.newest_done(school, "links", {"target": target})
    if looked is None or looked.result is None:
        return None
    people = {each.id: each for each in place.store.identities(school)}
    rejected = place.store.rejected_links(school, target)
    rows = _now(looked.result["people"], target, people, rejected, keep)
    return Seen(target, looked.ended or looked.at, [*rows], people)


def _now(
    told: Iterable[Mapping[str, Any]],
    target: str,
    people: Mapping[IdentityId, Identity],
    rejected: frozenset[tuple[IdentityId, Anchor]],
    keep: Names,
) -> Iterator[Row]:
    """The lists as they stand now: whoever has an account is linked, and nobody is suggested for what is settled."""
    rows = [*told]
    ours = {IdentityId(each["identity"]): each["ours"] for each in rows if each["ours"]}
    theirs = {Anchor(each["theirs"]["anchor"]): each["theirs"] for each in rows if each["theirs"]}
    bonds = {who: people[who].bonds[target].anchor for who in ours if who in people and target in people[who].bonds}
    taken = {each.bonds[target].anchor for each in people.values() if target in each.bonds}
    met: set[str] = set()
    for who, anchor in bonds.items():
        if anchor in theirs:
            yield Row("linked", ours[who], theirs[anchor])
    tabs = {name: tab for tab, name in NAMES.items()}
    for each in rows:
        tab = tabs[each["list"]]
        if tab not in SUGGESTED or not each["ours"] or not each["theirs"]:
            continue
        who, anchor = IdentityId(each["identity"]), Anchor(each["theirs"]["anchor"])
        if who not in people or who in bonds or anchor in taken or (who, anchor) in rejected:
            continue
        met |= {who, anchor}
        becomes = renamed(people[who], each["theirs"], keep)
        yield Row(tab, each["ours"], each["theirs"], each["why"], each["hindered"], becomes)
    for who, person in ours.items():
        if who in people and who not in bonds and who not in met:
            yield Row("people" if people[who].source == "mis" else "outside", person, None)
    for anchor, account in theirs.items():
        if anchor not in taken and anchor not in met:
            yield Row("accounts", None, account)


def renamed(identity: Identity, account: Mapping[str, Any], keep: Names) -> str:
    """What a link would rename, in a sentence; "" where nothing is."""
    if identity.username is None or (keep == "theirs" and not identity.bonds):
        if identity.username and identity.username not in (account["login"], account["login"].partition("@")[0]):
            return f"They keep the account's name, in place of {identity.username}."
        return ""
    same = account["login"] in (identity.username, identity.email) and account["email"] in ("", identity.email)
    return "" if same else f"The account is renamed to {identity.username} ({identity.email}); its old address is kept."


def _fits(row: Row, filters: Filters, words: Sequence[str]) -> bool:
    ours = row.ours
    for told, name in ((filters.role, "role"), (filters.year, "year"), (filters.registration, "registration_group")):
        if told and ours is not None and ours[name] != told:
            return False
    if not words:
        return True
    texts = [*_texts(ours, ("name", "record", "username", "email")), *(ours["numbers"].values() if ours else ())]
    texts += _texts(row.theirs, ("login", "email", "display_name", "place"))
    return all(any(word in fold(text) for text in texts) for word in words)


def _texts(side: Mapping[str, Any] | None, names: Iterable[str]) -> list[str]:
    return [side[name] for name in names] if side else []


# --- what somebody chose ---


@dataclass(frozen=True, slots=True)
class AtOnce:
    """All of a filtered list that can be linked, and the digest that names exactly these; `left_out` cannot be."""

    pairs: Mapping[IdentityId, Anchor]
    digest: str
    left_out: int


def at_once(rows: Iterable[Row], keep: Names) -> AtOnce:
    """What confirming these lines would link."""
    told = [*rows]
    pairs = {
        IdentityId(row.ours["identity"]): Anchor(row.theirs["anchor"])
        for row in told
        if row.ours and row.theirs and not row.hindered
    }
    return AtOnce(pairs, digest(pairs, keep), len(told) - len(pairs))


def pairs_from(texts: Iterable[str]) -> dict[IdentityId, Anchor]:
    """The pairs that a form sent. Raises Refused where there is none, and where a person or an account is in it twice."""
    found: dict[IdentityId, Anchor] = {}
    for text in texts:
        who, _, anchor = text.partition(" ")
        if not who or not anchor:
            raise Refused("Choose a person and an account. Nothing was done.")
        if IdentityId(who) in found or anchor in found.values():
            raise Refused("A person, or an account, is chosen twice. Choose one line for each. Nothing was done.")
        found[IdentityId(who)] = Anchor(anchor)
    if not found:
        raise Refused("Nothing is chosen. Tick the lines first.")
    return found


def of_pairs(pairs: Mapping[IdentityId, Anchor], target: str, keep: Names) -> dict[str, Any]:
    """A request to link exactly these."""
    told = [[who, anchor] for who, anchor in sorted(pairs.items())]
    return {"target": target, "keep": keep, "pairs": told, "digest": digest(pairs, keep)}


def of_list(tab: str, filters: Filters, shown: AtOnce, target: str, keep: Names) -> dict[str, Any]:
    """A request to link a filtered list as it was shown. A list that a search narrowed is told by its pairs: only what people are can be a filter."""
    if filters.q:
        return of_pairs(shown.pairs, target, keep)
    asked: dict[str, Any] = {"target": target, "keep": keep, "list": tab, "digest": shown.digest}
    asked |= {"years": [filters.year]} if filters.year else {}
    asked |= {"groups": [filters.registration]} if filters.registration else {}
    return asked | ({"role": filters.role} if filters.role else {})
