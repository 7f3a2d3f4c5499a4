"""The pure parts of the Active Directory target: distinguished names, places, folding, limits, addresses, notes, refusals."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import parse_dn

from onroll_connectors.sandbox import directory_rules
from onroll_connectors.targets import ad_entries, ad_errors, ad_limits, ad_names
from onroll_connectors.targets.active_directory import filter_text
from onroll_connectors.targets.ad_known import Known
from onroll_connectors.targets.ad_wire import Answer, Entry, Equal, by_guid
from onroll_core.accounts import Account, Anchor, Holder
from onroll_core.changes import Naming
from onroll_core.errors import Halt, OnrollError, Refused, Unavailable

BASE = "OU=Milton Park,DC=school,DC=test"
TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
NAMES = TEXT.map(str.strip).filter(bool)
HOSTILE = st.text(st.sampled_from(',+"\\<>;=# /*()abZë李'), min_size=1, max_size=12)


@given(NAMES | HOSTILE)
def test_whatever_goes_into_a_dn_comes_out_of_it(name: str) -> None:
    dn = f"CN={ad_names.escape(name)},{BASE}"
    assert ad_names.name_of(dn) == name
    assert ad_names.parent(dn) == BASE
    assert len(ad_names.split(dn)) == 4


@given(HOSTILE)
def test_ldap3_reads_our_dns_as_we_do(name: str) -> None:
    assume(name == name.strip())
    parsed = parse_dn(f"CN={ad_names.escape(name)},{BASE}")
    assert [kind for kind, _, _ in parsed] == ["CN", "OU", "DC", "DC"]


@given(st.lists(NAMES.filter(lambda each: "/" not in each), max_size=4), NAMES)
def test_a_place_becomes_ous_and_the_ous_the_place(parts: list[str], name: str) -> None:
    place = "/".join(parts)
    dn = f"CN={ad_names.escape(name)},{ad_names.unit(place, BASE)}"
    assert ad_names.place_of(dn, BASE) == place
    assert ad_names.place_of(dn, BASE.upper()) == place
    assert ad_names.place_of(dn, "OU=Other,DC=school,DC=test") is None
    assert ad_names.lies_under(dn, BASE)
    assert not ad_names.lies_under(BASE, dn)


def test_what_only_sounds_like_the_base_is_not_under_it() -> None:
    assert not ad_names.lies_under("CN=x,OU=xMilton Park,DC=school,DC=test", BASE)
    assert not ad_names.lies_under("CN=x\\,OU=Milton Park,DC=school,DC=test", BASE)
    assert ad_names.lies_under("cn=x, ou=milton park, dc=SCHOOL,dc=test", BASE)


@given(TEXT | HOSTILE | st.text(max_size=10))
def test_a_value_in_a_filter_is_escaped_as_ldap3_does_it(value: str) -> None:
    assume(all(ord(each) < 0xD800 or ord(each) > 0xDFFF for each in value))
    assert filter_text(Equal("cn", value)).lower() == f"(cn={escape_filter_chars(value)})".lower()


@pytest.mark.parametrize(
    ("one", "other"),
    [("Zoë", "zoe"), ("ÉCOLE", "ecole"), ("Łukasz", "łukasz"), ("ﬁne", "fine"), ("STRASSE", "straße"), ("Å", "a")],
)
def test_names_are_folded_as_windows_folds_them(one: str, other: str) -> None:
    assert ad_names.folded(one) == ad_names.folded(other)


@given(TEXT, st.text(string.ascii_lowercase, min_size=1, max_size=20))
def test_a_cn_never_has_more_than_64_characters_and_the_second_one_holds_the_login(display: str, login: str) -> None:
    for name in (display, display * 10):
        first, second = ad_names.common_name(name, login)
        assert 0 < len(first) <= 64
        assert len(second) <= 64
        assert second.endswith(f"({login})")
        assert first == first.strip()


@given(st.text(max_size=24))
def test_what_our_limits_let_through_windows_takes(login: str) -> None:
    if ad_limits.problem_with_login(login) is None:
        assert not directory_rules.bad_login(login, is_user=True)


@pytest.mark.parametrize("login", ["", "x" * 21, "a/b", "a b@c", "dot.", " a", "a ", "...", "a\x7fb", "a\ud800"])
def test_a_login_that_windows_would_refuse_is_refused_in_a_sentence(login: str) -> None:
    problem = ad_limits.problem_with_login(login)
    assert problem is not None
    assert problem.endswith(".")


@given(
    st.text(string.printable, min_size=8, max_size=30), TEXT, st.text(string.ascii_lowercase, min_size=1, max_size=20)
)
def test_a_password_that_we_think_holds_no_name_holds_none_for_windows(password: str, display: str, login: str) -> None:
    if not ad_limits.holds_a_name(password, login, display):
        strong = password + "aA1!"
        assume(not ad_limits.holds_a_name(strong, login, display))
        assert not directory_rules.weak(strong, login, display, 7)


@pytest.mark.parametrize(
    ("account", "says"),
    [
        (Account("maja", ""), "not an e-mail address"),
        (Account("maja", "maja@"), "not an e-mail address"),
        (Account("maja", "ma ja@school.test"), "not an e-mail address"),
        (Account("maja", "maja@school.test", frozenset({"bad"})), "not an e-mail address"),
        (Account("maja", "maja@" + "x" * 252), "at most 256"),
        (Account("maja", "maja@school.test", place="a//b"), "empty"),
        (Account("maja", "maja@school.test", display_name="a\ud800b"), "control character"),
        (Account("maja", "maja@school.test", attributes={"department": "x" * 65}), "at most 64"),
    ],
)
def test_an_account_that_windows_would_refuse_is_refused_in_a_sentence(account: Account, says: str) -> None:
    problem = ad_limits.problem_with_account(account, "id")
    assert problem is not None
    assert says in problem


def test_an_identity_has_at_most_sixteen_characters() -> None:
    account = Account("maja", "maja@school.test")
    assert ad_limits.problem_with_account(account, "x" * 16) is None
    assert "16" in (ad_limits.problem_with_account(account, "x" * 17) or "")
    assert ad_limits.problem_with_account(account, "") is not None


# --- addresses ---

ADDRESSES = st.sampled_from([f"{name}@school.test" for name in ("a", "b", "c", "d")])
FOREIGN = st.sampled_from(["x500:/o=Milton/cn=a", "sip:a@school.test", "X400:c=GB;a= ", "notes"])


@given(
    st.lists(ADDRESSES.map(lambda each: f"smtp:{each}") | FOREIGN, unique=True),
    ADDRESSES,
    st.sets(ADDRESSES),
    st.sampled_from(["", "a@school.test"]),
)
def test_proxies_have_one_primary_and_lose_nothing_but_what_must_go(
    before: list[str], email: str, aliases: set[str], drop: str
) -> None:
    before = [before[0].replace("smtp:", "SMTP:"), *before[1:]] if before else before
    after = ad_entries.proxies(before, email, aliases, {drop})
    primary, others = ad_entries.addresses(after)
    was_primary, were = ad_entries.addresses(before)
    assert primary == email
    assert sum(each.startswith("SMTP:") for each in after) == 1
    assert others == (were | {was_primary} | aliases) - {email, drop, ""}
    assert [each for each in after if not each.lower().startswith("smtp:")] == [
        each for each in before if not each.lower().startswith("smtp:")
    ]
    assert len({each.lower() for each in after}) == len(after)
    assert sorted(ad_entries.proxies(after, email, aliases, {drop})) == sorted(after), "twice is once"


def test_a_rename_keeps_the_old_primary_unless_it_must_not_stay() -> None:
    entry = Entry("CN=m", {"proxyaddresses": [b"SMTP:maja@school.test", b"smtp:m@school.test", b"sip:maja"]})
    mapping = ad_entries.Attributes("employeeID", "info", (), "milton.local")
    before = Naming("maja", "maja@school.test")
    kept = ad_entries.renamed(before, Naming("ms", "ms@school.test", frozenset({"maja@school.test"})), entry, mapping)
    assert kept["proxyAddresses"] == ["SMTP:ms@school.test", "smtp:m@school.test", "smtp:maja@school.test", "sip:maja"]
    assert kept["userPrincipalName"] == ["ms@milton.local"]
    gone = ad_entries.renamed(before, Naming("ms", "ms@school.test"), entry, mapping)
    assert gone["proxyAddresses"] == ["SMTP:ms@school.test", "smtp:m@school.test", "sip:maja"]


def test_an_alias_goes_only_when_it_was_there_and_is_not_wanted_any_more() -> None:
    entry = Entry(
        "CN=m", {"mail": [b"ms@school.test"], "proxyaddresses": [b"smtp:m@school.test", b"smtp:x@school.test"]}
    )
    after = ad_entries.updated({"aliases": ("m@school.test",)}, {"aliases": ()}, entry)
    assert after["proxyAddresses"] == ["SMTP:ms@school.test", "smtp:x@school.test"]


# --- the note ---


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=1024), TEXT)
def test_a_note_keeps_what_people_wrote_and_gives_it_back_to_the_letter(theirs: str, why: str) -> None:
    assume("Disabled by onroll: " not in theirs)
    noted = ad_entries.noted(theirs, why)
    assert noted.endswith(theirs)
    assert len(noted) <= 1024
    assert ad_entries.without_note(noted) == theirs
    assert ad_entries.noted(noted, why) == noted, "twice is once"


# --- what is known ---


def test_a_name_is_known_whatever_its_accents_and_its_own_holder_does_not_count() -> None:
    known = Known(complete=True, names={"zoe": Holder(Anchor("1"), "the user zoe")})
    assert known.holder("Zoë") is not None
    assert known.holder("zoe", Anchor("1")) is None
    known.give(Anchor("2"), "Maja", "maja@school.test")
    assert known.holder("MAJA@school.test") == Holder(Anchor("2"), "the user Maja")


def test_a_cn_is_free_for_its_owner_and_for_nobody_else() -> None:
    known = Known(complete=True)
    assert next(known.free_cn(BASE, "Harry Potter", "hp", "one")) == "Harry Potter"
    assert next(known.free_cn(BASE, "Harry Potter", "hp", "one")) == "Harry Potter"
    assert next(known.free_cn(BASE.upper(), "HARRY Pötter", "hp1", "two")) == "HARRY Pötter (hp1)"
    assert list(known.free_cn(BASE, "Harry Potter", "hp1", "three")) == ["hp1"]


# --- refusals ---


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (Answer(53, "0000052D: SvcErr: DSID-031A124C, problem 5003\n\x00"), Refused, "password policy"),
        (Answer(19, "0000052D: Constraint violation - check_password_restrictions"), Refused, "password policy"),
        (Answer(53, "0000001F: SvcErr"), Halt, "encrypted"),
        (Answer(53, "00002035: x"), Refused, "answered 53 00002035"),
        (Answer(50, "00002098: SecErr"), Refused, "no right"),
        (Answer(68, "00002071: UpdErr"), Refused, "already there"),
        (Answer(68, "Entry already exists"), Refused, "already there"),
        (Answer(19, "000021C8: AtrErr"), Refused, "sign-in name"),
        (Answer(80, "00000523: SysErr"), Refused, "does not take that username"),
        (Answer(80, "whatever"), Refused, "answered 80."),
        (Answer(32, "0000208D: NameErr"), Refused, "not there any more"),
        (Answer(21, "0000200B: x"), Refused, "too long or not allowed"),
        (Answer(16, "00000057: LdapErr"), Refused, "no such attribute"),
        (Answer(10, "0000202B: RefErr"), Halt, "referral"),
        (Answer(8, ""), Halt, "encrypted"),
        (Answer(1, "000004DC: LdapErr: DSID-0C090A5C"), Halt, "signed in"),
        (Answer(51, ""), Unavailable, "busy"),
        (Answer(52, ""), Unavailable, "busy"),
        (Answer(ad_errors.CLIENT_REFUSED, "LDAPInvalidDnError"), Refused, "LDAPInvalidDnError"),
    ],
)
def test_a_refusal_is_told_by_code_and_hex_and_becomes_a_sentence(
    answer: Answer, kind: type[OnrollError], says: str
) -> None:
    failure = ad_errors.failure(answer, "create maja")
    assert type(failure) is kind
    assert says in str(failure)
    assert str(failure).endswith(".")


@given(st.integers(0, 120), st.text(max_size=60))
def test_every_answer_has_a_sentence_and_the_text_decides_nothing(code: int, text: str) -> None:
    assume(code != 0)
    assume(Answer(code, text).hex == "")
    assert str(ad_errors.failure(Answer(code, text), "x")) == str(ad_errors.failure(Answer(code, ""), "x"))


@pytest.mark.parametrize(
    ("data", "says"),
    [("52e", "wrong"), ("533", "disabled"), ("775", "locked"), ("773", "must change"), ("9", "result 49 80090308")],
)
def test_a_refused_sign_in_says_why_and_where_to_look(data: str, says: str) -> None:
    message = f"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {data}, v1db1\x00"
    failure = ad_errors.refused_bind(Answer(49, message), "onroll@school.test")
    assert isinstance(failure, Halt)
    assert says in str(failure)
    assert "onroll@school.test" in str(failure)


@pytest.mark.parametrize("told", ["", "Server not found in Kerberos database."])
def test_a_refused_ticket_is_a_sentence_of_its_own(told: str) -> None:
    said = str(ad_errors.refused_ticket(told))
    assert told.strip(".") in said
    assert "klist" in said
    assert ".)" not in said


def test_a_guid_is_a_guid_or_nothing() -> None:
    assert by_guid("8D3A6C1E-0000-4000-8000-00000000000A") == "<GUID=8d3a6c1e-0000-4000-8000-00000000000a>"
    assert by_guid("x>,DC=school") is None
