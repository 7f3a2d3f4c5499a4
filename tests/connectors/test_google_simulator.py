"""The Google simulator: what Google's definition refuses it refuses, and what Google is known to do it does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httplib2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from onroll_connectors.sandbox import google_fields
from onroll_connectors.sandbox.google import Workspace
from onroll_connectors.sandbox.google_definition import definition
from onroll_connectors.sandbox.google_quota import Quotas
from onroll_connectors.sandbox.google_state import Lag
from onroll_connectors.sandbox.serving import Faults, Request, Response, serve
from world import Clock

DAY = 86400.0
MAJA = {
    "primaryEmail": "Maja@school.test",
    "name": {"givenName": "Maja", "familyName": "Örsted"},
    "password": "correct horse",
}


class Caller:
    """Asks the simulator as a program with a token would, without a network."""

    def __init__(self, google: Workspace, clock: Clock) -> None:
        self.google, self.clock = google, clock

    def __call__(self, method: str, path: str, body: object = None, **query: str) -> Response:
        headers = {"authorization": "Bearer any", **({"if-none-match": query.pop("etag")} if "etag" in query else {})}
        payload = b"" if body is None else json.dumps(body).encode()
        values = {name: [value] for name, value in query.items()}
        return self.google(Request(method, f"/admin/directory/v1/{path}", values, headers, payload))

    def made(self, **other: object) -> dict[str, Any]:
        response = self("POST", "users", {**MAJA, **other})
        assert response.status == 200, response.body
        assert isinstance(response.body, dict)
        return response.body

    def user(self, key: str) -> dict[str, Any]:
        response = self("GET", f"users/{quote(key)}")
        assert response.status == 200, response.body
        assert isinstance(response.body, dict)
        return response.body


@pytest.fixture
def call() -> Iterator[Caller]:
    clock = Clock()
    google = Workspace(now=clock.now)
    yield Caller(google, clock)
    assert google.breaches == []


def told(response: Response) -> tuple[int, str, str]:
    error = response.body["error"]
    return response.status, error["errors"][0]["reason"], error["message"]


def test_an_insert_answers_200_and_the_address_in_lower_case(call: Caller) -> None:
    made = call.made()
    assert made["primaryEmail"] == "maja@school.test"
    assert made["name"]["fullName"] == "Maja Örsted"
    assert "password" not in made
    assert call.user("maja@school.test") == call.user(made["id"]) == made


@pytest.mark.parametrize(
    ("other", "status", "reason", "words"),
    [
        ({"primaryEmail": "ma..ja@school.test"}, 400, "invalid", "primary_user_email"),
        ({"primaryEmail": "maja@elsewhere.test"}, 404, "notFound", "Domain not found"),
        ({"primaryEmail": "admin@school.test"}, 409, "duplicate", "Entity already exists."),
        ({"name": {"givenName": "Maja", "familyName": "x" * 61}}, 400, "invalid", "Family Name"),
        ({"name": {"givenName": "Maja", "familyName": ""}}, 400, "invalid", "Family Name"),
        ({"password": "short"}, 400, "invalid", "Password"),
        ({"password": "pässwörd with accents"}, 400, "invalid", "Password"),
        ({"orgUnitPath": "/Nowhere"}, 400, "invalid", "INVALID_OU_ID"),
    ],
)
def test_what_an_insert_is_refused_for(
    call: Caller, other: dict[str, object], status: int, reason: str, words: str
) -> None:
    got = told(call("POST", "users", {**MAJA, **other}))
    assert got[:2] == (status, reason)
    assert words in got[2]


def test_an_update_keeps_what_it_does_not_name_clears_null_and_replaces_lists(call: Caller) -> None:
    ids = [{"type": "organization", "value": "7"}, {"type": "custom", "customType": "x", "value": "8"}]
    key = call.made(externalIds=ids, recoveryEmail="home@example.org")["id"]
    call("PUT", f"users/{key}", {"name": {"familyName": "Smith"}, "externalIds": ids[:1]})
    user = call.user(key)
    assert (user["name"]["givenName"], user["name"]["familyName"]) == ("Maja", "Smith")
    assert user["externalIds"] == ids[:1]
    assert user["recoveryEmail"] == "home@example.org"
    call("PATCH", f"users/{key}", {"externalIds": None})
    assert call.user(key)["externalIds"] == ids[:1]
    call("PUT", f"users/{key}", {"externalIds": None})
    assert "externalIds" not in call.user(key)


def test_writing_a_read_only_field_is_silently_ignored(call: Caller) -> None:
    key = call.made()["id"]
    assert call("PUT", f"users/{key}", {"isAdmin": True, "aliases": ["x@school.test"], "id": "7"}).status == 200
    user = call.user(key)
    assert (user["isAdmin"], user["id"], "aliases" in user) == (False, key, False)


def test_a_rename_leaves_the_old_address_as_an_alias_that_spreads_late(call: Caller) -> None:
    call.google.lag = Lag(alias=600)
    key = call.made()["id"]
    call("PUT", f"users/{key}", {"primaryEmail": "smith@school.test"})
    assert "aliases" not in call.user(key)
    assert call("GET", "users/maja@school.test").status == 404
    assert told(call("POST", "users", MAJA))[1] == "duplicate"
    call.clock.sleep(600)
    assert call.user("maja@school.test")["id"] == key
    assert call.user(key)["aliases"] == ["maja@school.test"]
    # A deleted alias is free at once, and the key that led to one person leads to another.
    assert call("DELETE", f"users/{key}/aliases/maja@school.test").status == 204
    other = call.made()["id"]
    assert call.user("maja@school.test")["id"] == other != key


def test_a_user_an_alias_and_a_group_share_one_name_space(call: Caller) -> None:
    key = call.made()["id"]
    assert call("POST", f"users/{key}/aliases", {"alias": "m@school.test"}).status == 200
    assert call("POST", "groups", {"email": "maths@school.test"}).status == 200
    for address in ("maja@school.test", "m@school.test", "maths@school.test"):
        assert call("POST", "groups", {"email": address}).status == 409
        assert call("POST", f"users/{key}/aliases", {"alias": address}).status == 409
        assert call("POST", "users", {**MAJA, "primaryEmail": address}).status == 409


def test_thirty_aliases_are_the_most(call: Caller) -> None:
    key = call.made()["id"]
    statuses = [
        call("POST", f"users/{key}/aliases", {"alias": f"m{number}@school.test"}).status for number in range(31)
    ]
    assert statuses == [200] * 30 + [412]
    listed = call("GET", f"users/{key}/aliases").body["aliases"]
    assert len(listed) == 30


def test_a_new_user_is_not_complete_at_once(call: Caller) -> None:
    call.google.lag = Lag(creation=8, visible=3, mailbox=60)
    key = call.made()["id"]
    assert told(call("PUT", f"users/{key}", {"suspended": True})) == (
        412,
        "conditionNotMet",
        "User creation is not complete.",
    )
    assert told(call("POST", f"users/{key}/aliases", {"alias": "m@school.test"}))[0] == 412
    assert call("GET", "users/maja@school.test").status == 404
    call.clock.sleep(8)
    assert call("PUT", f"users/{key}", {"suspended": True}).status == 200
    assert call.user("maja@school.test")["isMailboxSetup"] is False
    call.clock.sleep(60)
    assert call.user(key)["isMailboxSetup"] is True


def test_a_deleted_user_is_kept_for_twenty_days_and_comes_back_by_id_only(call: Caller) -> None:
    key = call.made()["id"]
    assert call("DELETE", f"users/{key}").status == 204
    assert call("GET", f"users/{key}").status == 404
    shown = call("GET", "users", customer="my_customer", showDeleted="true").body["users"]
    assert [user["id"] for user in shown] == [key]
    assert call("POST", "users/maja@school.test/undelete", {"orgUnitPath": "/"}).status == 404
    assert call("POST", f"users/{key}/undelete", {"orgUnitPath": "/"}).status == 204
    assert call.user(key)["primaryEmail"] == "maja@school.test"
    call("DELETE", f"users/{key}")
    call.clock.sleep(20 * DAY)
    assert call("POST", f"users/{key}/undelete", {"orgUnitPath": "/"}).status == 404
    assert "users" not in call("GET", "users", customer="my_customer", showDeleted="true").body


def test_a_deleted_user_holds_a_licence_and_undelete_needs_none(call: Caller) -> None:
    call.google.writes.licences = 2
    key = call.made()["id"]
    call("DELETE", f"users/{key}")
    assert told(call("POST", "users", MAJA)) == (
        412,
        "limitExceeded",
        "Domain user limit reached. Start paid subscription.",
    )
    assert call("POST", f"users/{key}/undelete", {"orgUnitPath": "/"}).status == 204


def test_a_user_suspended_by_google_cannot_be_unsuspended(call: Caller) -> None:
    key = call.made()["id"]
    call("PUT", f"users/{key}", {"suspended": True})
    assert call.user(key)["suspensionReason"] == "ADMIN"
    assert call("PUT", f"users/{key}", {"suspended": False}).status == 200
    call.google.user("maja@school.test").suspended = "ABUSE"
    assert told(call("PUT", f"users/{key}", {"suspended": False}))[1] == "adminCannotUnsuspend"


def test_org_units_come_parent_first_and_are_35_deep_at_most(call: Caller) -> None:
    new = "customer/my_customer/orgunits"
    assert call("POST", new, {"name": "2019", "parentOrgUnitPath": "/Students"}).status == 400
    assert call("POST", new, {"name": "Students", "parentOrgUnitPath": "/"}).status == 200
    assert call("POST", new, {"name": "2019", "parentOrgUnitPath": "/Students"}).status == 200
    assert call("POST", new, {"name": "students", "parentOrgUnitPath": "/"}).status == 400
    assert call("POST", new, {"name": "a/b", "parentOrgUnitPath": "/"}).status == 400
    assert call("GET", f"{new}/Students/2019").body["parentOrgUnitPath"] == "/Students"
    assert call("GET", f"{new}/Staff").status == 404
    call.google.add_unit("/" + "/".join(f"d{depth}" for depth in range(35)))
    path = "/" + "/".join(f"d{depth}" for depth in range(35))
    assert call("POST", new, {"name": "deeper", "parentOrgUnitPath": path}).status == 400
    children = call("GET", new, type="children").body["organizationUnits"]
    assert [unit["orgUnitPath"] for unit in children] == ["/Students", "/d0"]


def test_lists_come_in_pages_whose_tokens_last_three_days(call: Caller) -> None:
    for number in range(7):
        call.google.add_user(
            f"p{number}@school.test",
            "Pat",
            "Smith",
            externalIds=[{"type": "custom", "customType": "onroll", "value": f"i{number}"}],
        )
    first = call("GET", "users", customer="my_customer", maxResults="5").body
    rest = call("GET", "users", customer="my_customer", maxResults="5", pageToken=first["nextPageToken"]).body
    assert [user["primaryEmail"] for user in first["users"] + rest["users"]] == [
        "admin@school.test",
        *(f"p{number}@school.test" for number in range(7)),
    ]
    assert "nextPageToken" not in rest
    found = call("GET", "users", customer="my_customer", query="externalId=i3").body["users"]
    assert [user["primaryEmail"] for user in found] == ["p3@school.test"]
    call.clock.sleep(3 * DAY + 1)
    assert call("GET", "users", customer="my_customer", pageToken=first["nextPageToken"]).status == 400


def test_an_etag_that_did_not_change_is_answered_304(call: Caller) -> None:
    made = call.made()
    assert call("GET", f"users/{made['id']}", etag=made["etag"]).status == 304
    call("PUT", f"users/{made['id']}", {"suspended": True})
    assert call("GET", f"users/{made['id']}", etag=made["etag"]).status == 200


def test_quotas_are_counted_and_told_in_googles_three_ways(call: Caller) -> None:
    call.google.quotas = Quotas(queries_per_minute=60)
    statuses = [
        call("POST", "users", {**MAJA, "primaryEmail": f"m{number}@school.test"}).status for number in range(14)
    ]
    assert statuses == [200] * 10 + [403, 503, 429, 403]
    units = [
        call("POST", "customer/my_customer/orgunits", {"name": f"n{each}", "parentOrgUnitPath": "/"})
        for each in range(2)
    ]
    assert [response.status for response in units] == [200, 403]
    reads = [call("GET", "users/admin@school.test") for _ in range(45)]
    assert [response.status for response in reads] == [200] * 44 + [403]
    assert told(reads[-1])[1] == "userRateLimitExceeded"
    assert call.google.quotas.refused == {"creates": 4, "units": 1, "queries": 1}
    call.clock.sleep(60)
    assert call("POST", "users", MAJA).status == 200


def test_a_fault_may_strike_after_the_work_was_done(call: Caller) -> None:
    call.google.faults = Faults(rate=1.0, statuses=(503,), after=1.0)
    assert call("POST", "users", MAJA).status == 503
    call.google.faults = Faults()
    assert call("POST", "users", MAJA).status == 409


@pytest.mark.parametrize(
    ("method", "path", "body", "query", "words"),
    [
        ("POST", "users", {**MAJA, "nickname": "M"}, {}, "no property called 'nickname'"),
        ("POST", "users", {"primaryEmail": "m@school.test", "password": "12345678"}, {}, "needs name"),
        ("POST", "users", {**MAJA, "suspended": "yes"}, {}, "must be boolean"),
        ("POST", "users", None, {}, "needs a User"),
        ("GET", "users", None, {"customer": "my_customer", "maxResults": "501"}, "from 1 to 500"),
        ("GET", "users", None, {"customer": "my_customer", "top": "5"}, "top is not known"),
        ("GET", "users", None, {"customer": "my_customer", "fields": "users(id,nickname)"}, "users/nickname"),
        ("GET", "users", None, {"customer": "my_customer", "orderBy": "age"}, "must be one of"),
        ("POST", "people", {}, {}, "no such method"),
        ("DELETE", "groups/x/members", None, {}, "no such method"),
    ],
)
def test_what_the_definition_refuses_is_refused_and_remembered(
    method: str, path: str, body: object, query: dict[str, str], words: str
) -> None:
    google = Workspace()
    response = Caller(google, Clock())(method, path, body, **query)
    assert response.status in (400, 404)
    assert words in " ".join(google.breaches)


def test_an_answer_that_the_definition_refuses_is_a_breach_of_ours() -> None:
    google = Workspace()
    google.user("admin@school.test").told["nickname"] = "Boss"
    Caller(google, Clock())("GET", "users/admin@school.test")
    assert google.breaches == ["directory.users.get answered: User has no property called 'nickname'."]


def test_a_batch_answers_part_by_part(call: Caller) -> None:
    body = json.dumps(MAJA)
    parts = [f"POST /admin/directory/v1/users HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{body}"] * 2
    parts.append("GET /admin/directory/v1/users/nobody%40school.test?alt=json HTTP/1.1\r\n\r\n")
    text = "".join(
        f"--b\r\nContent-Type: application/http\r\nContent-ID: <x + {place}>\r\n\r\n{part}\r\n"
        for place, part in enumerate(parts)
    )
    with serve(call.google) as url:
        headers = {"content-type": 'multipart/mixed; boundary="b"', "authorization": "Bearer any"}
        http = httplib2.Http()
        response, content = http.request(f"{url}/batch", "POST", body=f"{text}--b--", headers=headers)
        http.close()
    assert response.status == 200
    lines = content.decode().split("\r\n")
    assert [line for line in lines if line.startswith("HTTP/1.1")] == [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 409 Conflict",
        "HTTP/1.1 404 Not Found",
    ]
    assert "Content-ID: <response-x + 1>" in lines


def test_without_a_token_nothing_is_told(call: Caller) -> None:
    answer = call.google(Request("GET", "/admin/directory/v1/users", {"customer": ["my_customer"]}, {}, b""))
    assert told(answer)[:2] == (401, "authError")


SCHEMAS = {"$defs": definition().schemas.definitions}
_leaf = st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab1", max_size=2)
_names = st.sampled_from(
    ["primaryEmail", "name", "givenName", "externalIds", "type", "value", "suspended", "phones", "primary", "gid", "x"]
)
_json = st.recursive(
    _leaf, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_names, inner, max_size=4), max_leaves=8
)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(["User", "UserName", "UserExternalId", "UserPosixAccount", "Group", "OrgUnit"]), value=_json
)
def test_our_judge_of_schemas_agrees_with_jsonschema(name: str, value: object) -> None:
    reference = Draft202012Validator({"$ref": f"#/$defs/{name}", **SCHEMAS})
    assert (not definition().schemas.wrong(name, value)) is reference.is_valid(value)


@pytest.mark.parametrize("text", ["users(id", "users)", "a,,b", "users(id))", "", "a b!"])
def test_a_selection_of_fields_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Invalid field selection"):
        google_fields.parse(text)


def test_a_selection_gives_what_was_asked_for_and_no_more() -> None:
    page: Mapping[str, object] = {
        "etag": "e",
        "users": [{"id": "1", "name": {"givenName": "A", "familyName": "B"}, "suspended": True}],
    }
    mask = google_fields.parse("nextPageToken, users(id,name/givenName)")
    assert google_fields.masked(page, mask) == {"users": [{"id": "1", "name": {"givenName": "A"}}]}
