"""The pure parts of the Microsoft 365 target: the pace, the reading of refusals, users and accounts, what is remembered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onroll_connectors.targets.graph_asks import Answer
from onroll_connectors.targets.graph_memory import Recent, Tenant, keep_recent, load_recent
from onroll_connectors.targets.graph_pace import Pace
from onroll_connectors.targets.graph_problems import read_problem
from onroll_connectors.targets.graph_users import Shape, holding, misfit, names, sign_in_name
from onroll_core.accounts import Account, Anchor, IdentityId
from world import Clock, DictMemory

SHAPE = Shape("employeeId", frozenset({"department", "jobTitle", "extensionAttribute1"}))


# --- the pace ---


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 40)), max_size=60), st.integers(30, 100))
def test_no_window_ever_holds_more_than_is_allowed(steps: list[tuple[int, float]], most: int) -> None:
    clock = Clock()
    pace = Pace(most, clock.monotonic, clock.sleep, lambda: False)
    sent: list[tuple[float, int]] = []
    for writes, later in steps:
        assert pace.enter(writes, writes)
        sent.append((clock.at, writes))
        for at, _ in sent:
            assert sum(count for when, count in sent if at <= when < at + 150) <= most
        clock.at += later


@given(st.integers(1, 20), st.integers(100, 2000))
def test_a_long_run_uses_the_whole_quota(writes: int, total: int) -> None:
    clock = Clock()
    pace = Pace(100, clock.monotonic, clock.sleep, lambda: False)
    for _ in range(total // writes):
        pace.enter(writes, writes)
    sent = total // writes * writes
    # A window of 100 may be left with room for less than one more step, and no more than that is wasted.
    assert clock.at <= 150 * (sent // (100 - writes + 1)) + 0.001


def test_the_gate_holds_back_even_what_would_fit() -> None:
    clock = Clock()
    pace = Pace(100, clock.monotonic, clock.sleep, lambda: False)
    pace.close_gate(42)
    pace.close_gate(7)
    assert pace.enter(1, 1)
    assert 42 <= clock.at < 43


def test_a_run_that_has_to_end_does_not_sit_out_a_wait() -> None:
    clock = Clock()
    pace = Pace(100, clock.monotonic, clock.sleep, lambda: True)
    pace.close_gate(3)
    assert pace.enter(1, 1), "a moment is waited for, so that what has begun is finished"
    pace.close_gate(60)
    assert not pace.enter(1, 1)
    assert clock.at < 10


# --- refusals ---


def refusal(status: int, message: object, code: object = "Request_BadRequest", details: object = None) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message, "details": details}})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "details", "value", "target"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.integers(400, 599), JSON)
def test_a_refusal_of_any_shape_becomes_a_sentence(status: int, body: object) -> None:
    problem = read_problem(Answer(status, body))
    assert problem.sentence[-1] in ".!?"
    assert "\n" not in problem.sentence


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, "Another object with the same value for property userPrincipalName already exists."),
        refusal(400, {"value": "Another object with the same value for property proxyAddresses already exists."}),
        refusal(
            400, "A conflicting object with one or more of the specified property values is present in the directory."
        ),
        refusal(400, "Something else", details=[{"code": "ObjectConflict", "target": "mail"}]),
        refusal(400, "Something else", details={"code": "ObjectConflict", "target": "mail"}),
        refusal(409, "Conflict"),
    ],
)
def test_a_taken_name_is_known_in_all_its_shapes(answer: Answer) -> None:
    assert read_problem(answer).taken


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            refusal(400, "The specified password does not comply with password complexity requirements."),
            "password policy",
        ),
        (
            refusal(
                400,
                "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects",
            ),
            "Active Directory",
        ),
        (
            refusal(
                400,
                "Unable to update the specified properties for objects that have originated within an external service.",
            ),
            "Active Directory",
        ),
        (refusal(400, "The domain portion of the userPrincipalName property is invalid."), "not verified"),
        (
            refusal(403, "Insufficient privileges to complete the operation.", "Authorization_RequestDenied"),
            "administrator's role",
        ),
        (
            refusal(
                403, "The directory object quota limit for the Tenant has been exceeded.", "Directory_QuotaExceeded"
            ),
            "no more accounts",
        ),
        (refusal(400, "Odd"), "refused it (400 Request_BadRequest): Odd."),
    ],
)
def test_what_a_refusal_means(answer: Answer, words: str) -> None:
    assert words in read_problem(answer).sentence


def test_losing_sight_of_the_tenant_is_not_losing_an_account() -> None:
    blink = refusal(404, "Unable to read the company information from the directory.", "Directory_ObjectNotFound")
    assert blink.unknown
    gone = refusal(
        404,
        "Resource 'x' does not exist or one of its queried reference-property objects are not present.",
        "Request_ResourceNotFound",
    )
    assert not gone.unknown
    assert read_problem(gone).gone


@pytest.mark.parametrize(
    ("told", "seconds"), [("7", 7.0), ("1.5", 1.5), ("", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
)
def test_how_long_to_wait_is_read_where_it_is_a_number(told: str, seconds: float | None) -> None:
    assert Answer(429, None, {"retry-after": told} if told else {}).wait() == seconds


# --- users and accounts ---

WORD = st.text("abcdefgh.'-", min_size=1, max_size=12)


@given(WORD, WORD, WORD, st.booleans(), st.dictionaries(st.sampled_from(sorted(SHAPE.attributes)), WORD))
def test_what_is_written_is_what_is_read(
    name: str, given_name: str, family: str, told: bool, attributes: dict[str, str]
) -> None:
    email = f"{name}@school.test"
    account = Account(
        email,
        email,
        display_name=f"{given_name} {family}",
        given=given_name if told else "",
        family=family,
        attributes=attributes,
    )
    body = SHAPE.new(account, IdentityId("i1"), "secret", None)
    assert misfit(body) is None
    assert "" not in body.values(), "Graph refuses the empty string"
    user = {"id": "x", **body, "proxyAddresses": [f"SMTP:{email}"]}
    assert SHAPE.account(user) == account
    assert SHAPE.owner(user) == "i1"
    assert {email, name} <= set(names(user))


def test_addresses_of_other_kinds_are_no_mail_addresses() -> None:
    user = {"id": "x", "userPrincipalName": "A@School.test", "mail": None}
    user["proxyAddresses"] = ["SIP:a@school.test", "X500:/o=x", "smtp:Old@School.test"]  # type: ignore[assignment]
    account = SHAPE.account(user)
    assert (account.login, account.email, set(account.aliases)) == (
        "a@school.test",
        "a@school.test",
        {"old@school.test"},
    )


def test_a_soft_deleted_users_name_loses_the_id_that_entra_puts_in_front() -> None:
    key = "d23f0824-128b-4f33-8c5c-7fd0a6a3a450"
    assert (
        sign_in_name({"id": key, "userPrincipalName": "d23f0824128b4f338c5c7fd0a6a3a450ada@school.test"})
        == "ada@school.test"
    )
    assert sign_in_name({"id": key, "userPrincipalName": "ada@school.test"}) == "ada@school.test"


def test_quotes_in_names_stay_inside_the_filter() -> None:
    assert holding("o'neil@school.test").count("'o''neil@school.test'") == 2
    assert SHAPE.filter(["a' or true"]) == "employeeId in ('a'' or true')"


# --- memory ---


def test_a_tenant_is_read_by_delta_only_while_that_is_safe() -> None:
    tenant = Tenant("http://graph.test/v1.0", SHAPE.select, {}, "http://graph.test/v1.0/users/delta()?t=1", 0.0, 0.0)
    base, day = tenant.base, 86400.0
    assert tenant.usable(base, SHAPE.select, day)
    assert not tenant.usable(base, (*SHAPE.select, "city"), day), "other properties are wanted now"
    assert not tenant.usable("http://other.test/v1.0", SHAPE.select, day), "another tenant"
    assert not tenant.usable(base, SHAPE.select, 7 * day), "a week is over"
    assert not tenant.usable(base, SHAPE.select, -day), "the clock was put back"
    tenant.link = "http://elsewhere.test/delta"
    assert not tenant.usable(base, SHAPE.select, day)


def test_latest_writes_are_kept_piece_by_piece_and_forgotten_after_an_hour() -> None:
    memory, recent = DictMemory(), Recent()
    ada, bob = Anchor("ada"), Anchor("bob")
    recent.note(ada, {"userPrincipalName": "ada@school.test", "passwordProfile": {"password": "x"}}, True, 0.0)
    keep_recent(memory, recent, 0.0)
    recent.note(bob, {"accountEnabled": False}, False, 10.0)
    recent.note(ada, {"accountEnabled": False}, False, 10.0)
    keep_recent(memory, recent, 10.0)
    keep_recent(memory, recent, 10.0)
    kept = load_recent(memory, 20.0)
    assert kept.writes == recent.writes
    assert kept.pieces == 2
    assert "passwordProfile" not in kept.writes[ada][1]
    assert kept.young(ada, 20.0)
    assert not kept.young(bob, 20.0)
    assert not kept.young(ada, 1000.0)
    users = {"bob": {"id": "bob", "userPrincipalName": "bob@school.test", "accountEnabled": True}}
    over = kept.over(users, set(), 20.0)
    assert {key: user["accountEnabled"] for key, user in over.items()} == {"ada": False, "bob": False}
    assert "ada" not in kept.over(users, {"ada"}, 20.0), "somebody deleted it meanwhile"
    assert kept.over(users, set(), 4000.0) == users
    assert load_recent(memory, 4000.0).writes == {}
