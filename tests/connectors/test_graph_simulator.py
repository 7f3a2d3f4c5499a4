"""The Graph simulator behaves as the facts say Graph does, and is held to Microsoft's definition like everybody else."""

from __future__ import annotations

import asyncio
import json
import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from onroll_connectors.sandbox.graph import Graph
from onroll_connectors.sandbox.graph_quota import Quotas, Window
from onroll_connectors.sandbox.graph_state import Lag, Version
from onroll_connectors.sandbox.serving import Faults, Request, Response, serve
from world import Clock

DAY = 86400.0


class Tenant:
    """A tenant and its clock, spoken to without a network."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.graph = Graph(now=self.clock.now, **options)

    def call(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Response:
        url = urlsplit(path)
        told = {"authorization": "Bearer any", "host": "graph.test", **(headers or {})}
        content = json.dumps(body).encode() if body is not None else b""
        query = parse_qs(url.query, keep_blank_values=True)
        return self.graph(Request(method, "/v1.0" + quote(url.path, safe="/$()"), query, told, content))

    def make(self, name: str, **more: object) -> Response:
        return self.call("POST", "/users", new(name, **more))

    def made(self, name: str, **more: object) -> str:
        response = self.make(name, **more)
        assert response.status == 201, response.body
        return str(response.body["id"])

    def follow(self, link: str) -> Response:
        return self.call("GET", link.removeprefix("http://graph.test/v1.0"))


def new(name: str, **more: object) -> dict[str, object]:
    body: dict[str, object] = {
        "accountEnabled": True,
        "displayName": name.title(),
        "mailNickname": name,
        "userPrincipalName": f"{name}@school.test",
        "passwordProfile": {"password": "Blue-Teapot-31", "forceChangePasswordNextSignIn": True},
    }
    return {name: value for name, value in (body | more).items() if value is not ...}


def message(response: Response) -> str:
    return str(response.body["error"]["message"])


# --- the definition ---


@pytest.mark.parametrize(
    ("method", "path", "body", "word"),
    [
        ("POST", "/users", new("ada", passwordProfile=...), "passwordProfile"),
        ("POST", "/users", new("ada", nickname="a"), "nickname"),
        ("POST", "/users", new("ada", proxyAddresses=["SMTP:a@school.test"]), "read-only"),
        ("POST", "/users", new("ada", employeeId="seventeen letters"), "too long"),
        ("POST", "/users", None, "needs a body"),
        ("PATCH", "/users/x", {"job_title": None}, "job_title"),
        ("PATCH", "/users/x", {"usageLocation": None}, "None is not of type"),
        ("GET", "/users?$slect=id", None, "$slect"),
        ("PUT", "/users/x", {}, "no such method"),
        ("GET", "/pupils", None, "no such path"),
        (
            "POST",
            "/$batch",
            {"requests": [{"id": "1", "method": "GET", "url": "https://graph.test/v1.0/users"}]},
            "should not",
        ),
        (
            "POST",
            "/$batch",
            {"requests": [{"id": str(n), "method": "GET", "url": "/users"} for n in range(21)]},
            "requests:",
        ),
        ("POST", "/$batch", {"requests": [{"id": "1", "method": "POST", "url": "/users", "body": {}}]}, "headers"),
    ],
)
def test_what_the_definition_refuses_is_answered_400_and_remembered(
    method: str, path: str, body: object, word: str
) -> None:
    tenant = Tenant()
    response = tenant.call(method, path, body)
    assert response.status == 400
    assert len(tenant.graph.breaches) == 1
    assert word in tenant.graph.breaches[0]


def test_an_answer_that_the_definition_refuses_is_remembered_too() -> None:
    tenant = Tenant()
    user = tenant.graph.user("admin@school.test")
    user.versions = [Version(0.0, {**user.props, "jobTitle": 7})]
    assert tenant.call("GET", f"/users/{user.id}").status == 200
    assert tenant.graph.breaches
    assert "jobTitle" in tenant.graph.breaches[0]


def test_the_vendors_sdk_reads_and_writes_typed_models() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from kiota_abstractions.authentication import AnonymousAuthenticationProvider
        from msgraph.generated.models.o_data_errors.o_data_error import ODataError
        from msgraph.generated.models.password_profile import PasswordProfile
        from msgraph.generated.models.user import User
        from msgraph.graph_request_adapter import GraphRequestAdapter
        from msgraph.graph_service_client import GraphServiceClient

    class Token(AnonymousAuthenticationProvider):
        async def authenticate_request(self, request: Any, additional_authentication_context: Any = None) -> None:
            request.headers.try_add("Authorization", "Bearer any")

    async def story(url: str) -> None:
        adapter = GraphRequestAdapter(Token())
        adapter.base_url = f"{url}/v1.0"
        client = GraphServiceClient(request_adapter=adapter)
        ada = User(
            account_enabled=True,
            display_name="Ada",
            mail_nickname="ada",
            user_principal_name="ada@school.test",
            password_profile=PasswordProfile(password="Blue-Teapot-31"),
        )
        made = await client.users.post(ada)
        assert made is not None
        page = await client.users.delta.get()
        assert page is not None
        assert page.value is not None
        assert made.id in [user.id for user in page.value]
        with pytest.raises(ODataError) as refused:
            await client.users.post(ada)
        assert refused.value.error is not None
        assert refused.value.error.code == "Request_BadRequest"
        # The SDK's transport does not close the one that it wraps.
        await adapter._http_client._transport.transport.aclose()

    tenant = Tenant()
    with serve(tenant.graph) as url, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asyncio.run(story(url))
    assert tenant.graph.breaches == []


# --- what the directory refuses ---


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"userPrincipalName": "josé@school.test"}, "userPrincipalName is invalid"),
        ({"userPrincipalName": "ada@other.test"}, "domain portion of the userPrincipalName"),
        ({"mail": "josé@school.test"}, "'mail'"),
        ({"givenName": ""}, "'givenName'"),
        ({"mailNickname": "a b"}, "'mailNickname'"),
        ({"usageLocation": "gb"}, "'usageLocation'"),
        ({"displayName": None}, "'displayName'"),
        ({"passwordProfile": {"password": None}}, "A password must be specified"),
        ({"passwordProfile": {"password": "alllowercase"}}, "password complexity"),
        ({"passwordProfile": {"password": "Xx1-ada-Xx1"}}, "password complexity"),
    ],
)
def test_a_user_that_the_directory_would_not_take(change: dict[str, object], words: str) -> None:
    tenant = Tenant()
    response = tenant.make("ada", **change)
    assert response.status == 400
    assert words in message(response)
    assert tenant.graph.breaches == []


def test_a_taken_name_is_400_with_a_conflict_in_the_details() -> None:
    tenant = Tenant()
    tenant.made("ada")
    again = tenant.make("ada")
    assert again.status == 400
    assert "same value for property userPrincipalName" in message(again)
    assert again.body["error"]["details"][0]["code"] == "ObjectConflict"
    mail = tenant.make("grace", mail="ada@school.test")
    assert mail.body["error"]["details"][0]["target"] == "proxyAddresses"
    tenant.graph.directory.add_group("Staff", "staff@school.test")
    assert "proxyAddresses" in message(tenant.make("staff"))


def test_what_active_directory_masters_and_what_administrators_are_is_left_alone() -> None:
    tenant = Tenant()
    synced = tenant.graph.add_user("sid@school.test", synced=True)
    formerly = tenant.graph.add_user("fay@school.test", synced=False)
    assert "on-premises mastered" in message(tenant.call("PATCH", f"/users/{synced.id}", {"givenName": "S"}))
    assert tenant.call("PATCH", f"/users/{synced.id}", {"usageLocation": "GB"}).status == 204
    extension = {"onPremisesExtensionAttributes": {"extensionAttribute1": "x"}}
    assert "external service" in message(tenant.call("PATCH", f"/users/{formerly.id}", extension))
    assert tenant.call("PATCH", "/users/admin@school.test", {"accountEnabled": False}).status == 403
    assert tenant.call("PATCH", "/users/admin@school.test", {"jobTitle": "Head"}).status == 204
    assert tenant.graph.breaches == []


def test_permissions_are_asked_for() -> None:
    tenant = Tenant(permissions={"User.Read.All", "User.EnableDisableAccount.All"})
    ada = tenant.graph.add_user("ada@school.test").id
    assert tenant.call("GET", "/users").status == 200
    assert tenant.make("grace").status == 403
    assert tenant.call("PATCH", f"/users/{ada}", {"accountEnabled": False}).status == 204
    both = {"accountEnabled": True, "passwordProfile": {"password": "Blue-Teapot-31"}}
    assert tenant.call("PATCH", f"/users/{ada}", both).status == 403
    assert tenant.call("GET", "/organization").status == 403
    assert tenant.graph(Request("GET", "/v1.0/users", {}, {}, b"")).status == 401


# --- views ---


def test_a_get_shows_eleven_properties_unless_others_are_selected() -> None:
    tenant = Tenant()
    ada = tenant.made("ada", department="7A")
    default = tenant.call("GET", f"/users/{ada}").body
    assert len([name for name in default if not name.startswith("@")]) == 11
    assert "department" not in default
    chosen = tenant.call("GET", f"/users/{ada}?$select=department,accountEnabled").body
    assert {"id", "department", "accountEnabled"} == {name for name in chosen if not name.startswith("@")}
    assert tenant.call("GET", "/users?$select=nonsense").status == 400
    assert tenant.graph.breaches == []


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("employeeId eq 'E1'", {"ada"}),
        ("employeeId in ('e1','e2')", {"ada", "grace"}),
        ("userPrincipalName eq 'o''neil@school.test'", {"o'neil"}),
        ("mail eq 'ada@school.test' or employeeId eq 'e2'", {"ada", "grace"}),
        ("accountEnabled eq true and employeeId eq 'e1'", {"ada"}),
        ("proxyAddresses/any(p:p eq 'smtp:ada@school.test')", {"ada"}),
        ("onPremisesExtensionAttributes/extensionAttribute1 in ('k')", {"o'neil"}),
    ],
)
def test_filters(filter: str, found: set[str]) -> None:
    tenant = Tenant()
    tenant.made("ada", employeeId="e1")
    tenant.made("grace", employeeId="e2")
    tenant.made("o'neil", onPremisesExtensionAttributes={"extensionAttribute1": "k"})
    page = tenant.call("GET", f"/users?$select=mailNickname&$filter={quote(filter)}")
    assert page.status == 200, page.body
    assert {user["mailNickname"] for user in page.body["value"]} == found
    assert tenant.graph.breaches == []


@pytest.mark.parametrize(
    "filter", ["employeeId in (" + ",".join(f"'{n}'" for n in range(16)) + ")", "mail like 'a'", "mail eq"]
)
def test_filters_that_graph_does_not_support(filter: str) -> None:
    response = Tenant().call("GET", f"/users?$filter={quote(filter)}")
    assert response.status == 400
    assert response.body["error"]["code"] == "Request_UnsupportedQuery"


def test_lists_come_in_pages() -> None:
    tenant = Tenant()
    names = {tenant.made(f"p{n}") for n in range(7)}
    page = tenant.call("GET", "/users?$select=id&$top=3").body
    seen = [user["id"] for user in page["value"]]
    assert len(seen) == 3
    while "@odata.nextLink" in page:
        page = tenant.follow(page["@odata.nextLink"]).body
        seen += [user["id"] for user in page["value"]]
    assert names < set(seen)
    assert len(seen) == 8
    assert tenant.call("GET", "/users?$top=1000").status == 400


def test_a_new_user_is_not_there_at_once_where_views_are_late() -> None:
    tenant = Tenant(lag=Lag(reads=30, index=60))
    ada = tenant.made("ada", employeeId="e1")
    assert tenant.call("GET", f"/users/{ada}").status == 404
    assert tenant.call("PATCH", f"/users/{ada}", {"jobTitle": "x"}).status == 404
    tenant.clock.sleep(31)
    assert tenant.call("GET", "/users/ada@school.test").status == 200
    assert tenant.call("GET", "/users?$filter=employeeId eq 'e1'").body["value"] == []
    tenant.clock.sleep(30)
    assert len(tenant.call("GET", "/users?$filter=employeeId eq 'e1'").body["value"]) == 1


# --- mail and addresses ---


def test_a_new_mail_becomes_primary_and_the_old_one_stays_some_minutes_later() -> None:
    tenant = Tenant(lag=Lag(addresses=300))
    ada = tenant.made("ada", mail="ada@school.test")
    tenant.clock.sleep(301)
    rename = {"userPrincipalName": "ada.king@school.test", "mail": "ada.king@school.test"}
    assert tenant.call("PATCH", f"/users/{ada}", rename).status == 204
    select = f"/users/{ada}?$select=proxyAddresses,mail"
    assert tenant.call("GET", select).body["proxyAddresses"] == ["SMTP:ada@school.test"]
    tenant.clock.sleep(301)
    after = tenant.call("GET", select).body
    assert after["proxyAddresses"] == ["SMTP:ada.king@school.test", "smtp:ada@school.test"]
    assert tenant.make("ada2", mail="ada@school.test").status == 400, "the old address is still hers"


def test_without_a_licence_a_name_alone_makes_no_address() -> None:
    tenant = Tenant(licensed=False)
    ada = tenant.made("ada")
    told = tenant.call("GET", f"/users/{ada}?$select=proxyAddresses,mail").body
    assert (told["proxyAddresses"], told["mail"]) == ([], None)


# --- deletion ---


def test_a_deleted_user_is_kept_for_30_days_and_its_name_is_free_at_once() -> None:
    tenant = Tenant()
    ada = tenant.made("ada")
    assert tenant.call("DELETE", f"/users/{ada}").status == 204
    assert tenant.call("GET", f"/users/{ada}").status == 404
    (binned,) = tenant.call("GET", "/directory/deletedItems/microsoft.graph.user").body["value"]
    assert binned["userPrincipalName"] == ada.replace("-", "") + "ada@school.test"
    other = tenant.made("ada")
    refused = tenant.call("POST", f"/directory/deletedItems/{ada}/restore")
    assert "already exists" in message(refused)
    assert tenant.call("DELETE", f"/users/{other}").status == 204
    assert tenant.call("POST", f"/directory/deletedItems/{ada}/restore").status == 200
    assert tenant.call("GET", "/users/ada@school.test").body["id"] == ada
    tenant.clock.sleep(30 * DAY + 1)
    assert tenant.call("GET", f"/directory/deletedItems/{other}").status == 404
    assert tenant.graph.breaches == []


# --- delta ---


def delta(tenant: Tenant, link: str | None = None) -> tuple[list[dict[str, Any]], str]:
    page = (tenant.follow(link) if link else tenant.call("GET", "/users/delta()?$select=mail,jobTitle")).body
    items = list(page["value"])
    while "@odata.nextLink" in page:
        page = tenant.follow(page["@odata.nextLink"]).body
        items += page["value"]
    return items, page["@odata.deltaLink"]


@pytest.mark.parametrize("path", ["/users/delta", "/users/delta()", "/users/microsoft.graph.delta()"])
def test_delta_goes_by_three_names(path: str) -> None:
    assert "@odata.deltaLink" in Tenant().call("GET", path).body


def test_delta_tells_what_changed_and_who_went() -> None:
    tenant = Tenant()
    ada, bob = tenant.made("ada", jobTitle="x"), tenant.made("bob")
    first, link = delta(tenant)
    assert {ada, bob} < {item["id"] for item in first}
    assert delta(tenant, link)[0] == []
    tenant.call("PATCH", f"/users/{ada}", {"jobTitle": None})
    tenant.call("DELETE", f"/users/{bob}")
    changed, later = delta(tenant, link)
    assert {"id": bob, "@removed": {"reason": "changed"}} in changed
    assert next(item for item in changed if item["id"] == ada)["jobTitle"] is None
    tenant.call("DELETE", f"/directory/deletedItems/{bob}")
    assert delta(tenant, later)[0] == [{"id": bob, "@removed": {"reason": "deleted"}}]
    assert tenant.graph.breaches == []


def test_delta_is_late_but_forgets_nothing() -> None:
    tenant = Tenant(lag=Lag(index=120))
    tenant.clock.sleep(200)
    _, link = delta(tenant)
    ada = tenant.made("ada")
    nothing, link = delta(tenant, link)
    assert nothing == []
    tenant.clock.sleep(121)
    assert [item["id"] for item in delta(tenant, link)[0]] == [ada]


def test_delta_comes_in_pages_and_may_repeat_itself() -> None:
    tenant = Tenant(replays=1.0)
    names = {tenant.made(f"p{n}") for n in range(5)}
    page = tenant.call("GET", "/users/delta()?$select=id", headers={"prefer": "odata.maxpagesize=2"}).body
    assert len(page["value"]) == 3, "two, and one of them again"
    seen = [item["id"] for item in page["value"]]
    while "@odata.nextLink" in page:
        page = tenant.follow(page["@odata.nextLink"]).body
        seen += [item["id"] for item in page["value"]]
    assert names < set(seen)
    assert len(seen) > len(set(seen))


def test_a_delta_token_lives_for_seven_days() -> None:
    tenant = Tenant()
    _, link = delta(tenant)
    tenant.clock.sleep(7 * DAY + 1)
    gone = tenant.follow(link)
    assert gone.status == 410
    assert gone.headers["Location"].endswith("$deltatoken=")
    assert delta(tenant, gone.headers["Location"])[0], "the Location leads to everyone"
    latest = tenant.call("GET", "/users/delta()?$deltatoken=latest").body
    assert latest["value"] == []
    ada = tenant.made("ada")
    assert [item["id"] for item in delta(tenant, latest["@odata.deltaLink"])[0]] == [ada]


# --- batches, quotas, faults ---


def part(key: str, method: str, url: str, body: object = None, **more: object) -> dict[str, object]:
    told: dict[str, object] = {"id": key, "method": method, "url": url, **more}
    return told if body is None else {**told, "body": body, "headers": {"Content-Type": "application/json"}}


def batch(tenant: Tenant, *parts: dict[str, object]) -> dict[str, dict[str, Any]]:
    response = tenant.call("POST", "/$batch", {"requests": list(parts)})
    assert response.status == 200, response.body
    return {answer["id"]: answer for answer in response.body["responses"]}


def test_each_part_of_a_batch_has_its_own_answer() -> None:
    tenant = Tenant()
    answers = batch(
        tenant,
        part("a", "POST", "/users", new("ada")),
        part("b", "POST", "/users", new("ada")),
        part("c", "GET", "/users/ada@school.test", dependsOn=["a"]),
        part("d", "GET", "/users/ada@school.test", dependsOn=["b"]),
    )
    assert {key: answer["status"] for key, answer in answers.items()} == {"a": 201, "b": 400, "c": 200, "d": 424}
    assert (
        tenant.call("POST", "/$batch", {"requests": [part("x", "GET", "/users"), part("X", "GET", "/users")]}).status
        == 400
    )


def test_the_quota_of_writes_is_a_sliding_window_and_counts_parts() -> None:
    tenant = Tenant(quotas=Quotas(writes=Window(3, 150.0)))
    ada = tenant.made("ada")
    tenant.clock.sleep(100)
    answers = batch(tenant, *(part(str(n), "PATCH", f"/users/{ada}", {"jobTitle": str(n)}) for n in range(3)))
    assert [answers[key]["status"] for key in "012"] == [204, 204, 429]
    assert answers["2"]["headers"]["Retry-After"] == "50"
    assert float(answers["1"]["headers"]["x-ms-throttle-limit-percentage"]) >= 0.8
    assert tenant.call("GET", f"/users/{ada}").status == 200, "reads have another quota"
    tenant.clock.sleep(50)
    assert tenant.call("PATCH", f"/users/{ada}", {"jobTitle": "x"}).status == 204


def test_resource_units_are_counted_by_ten_seconds() -> None:
    tenant = Tenant(quotas=Quotas(units=Window(4, 10.0)))
    assert tenant.call("GET", "/users").headers["x-ms-resource-unit"] == "2"
    assert tenant.call("GET", "/users?$select=id").headers["x-ms-resource-unit"] == "1"
    refused = tenant.call("GET", "/users")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "10")


def test_some_faults_strike_when_the_work_is_done() -> None:
    tenant = Tenant(faults=Faults(rate=1.0, statuses=(503,), after=1.0))
    assert tenant.make("ada").status == 503
    assert tenant.graph.user("ada@school.test")
    tenant = Tenant(part_faults=Faults(rate=0.5, statuses=(429, 500), random=random.Random(5)))
    answers = batch(tenant, *(part(str(n), "POST", "/users", new(f"p{n}")) for n in range(20)))
    statuses = {answer["status"] for answer in answers.values()}
    assert statuses == {201, 429, 500}


def test_many_clients_at_once_make_everybody_once() -> None:
    tenant = Tenant()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda n: tenant.make(f"p{n % 50}").status, range(100)))
    assert sorted(statuses) == [201] * 50 + [400] * 50
    assert len(tenant.call("GET", "/users?$top=999").body["value"]) == 51
