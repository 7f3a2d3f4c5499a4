"""Whatever is written at the console leaves an entry in the audit with who did it: every write is carried out here, or says why it need not."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from at_work import AtWork, at_work, hidden, with_accounts
from command import CONFIG, POTTERS, SECOND, Command
from evenings import catch_up, desk_does, digest_of, held_plan, pupils
from morning import MINE, OTHER, Browser, Morning, morning
from onroll_core.identities import Identity
from onroll_daemon.console import own_passwords
from onroll_daemon.console.operating import first_link, new_link
from onroll_daemon.console.rights import Role
from onroll_daemon.operations.people import mark
from routes import doors

GOOD, BETTER = "otters juggle quietly", "walnuts whistle at dawn"
BY, SCRIPT = "minerva", "token a script"
EXEMPT = {
    "POST /schools/{school}/plan": "works out what would be done and changes nothing; the request keeps who asked",
    "POST /api/v1/schools/{school}/plan": "works out what would be done and changes nothing; the request keeps who asked",
    "POST /runs/{run}/undo/look": "works out what would be taken back and changes nothing; the request keeps who asked",
    "POST /api/v1/runs/{run}/undo/look": "works out what would be taken back and changes nothing; the request keeps who asked",
    "POST /schools/{school}/rename/file": "shows what a file comes to and keeps nothing",
    "POST /api/v1/schools/{school}/renames/preview": "shows what renames come to and keeps nothing",
}  # fmt: skip


@dataclass
class Doer:
    """Somebody who does things, one after the other, as an administrator of everything or as a script."""

    world: Morning
    browser: Browser
    headers: Mapping[str, str]
    known: dict[str, Any] = field(default_factory=dict)
    since: int = 0

    def newest(self) -> int:
        """The number of the newest entry of the audit."""
        return max((each.id for each in self.world.store.console.audit.list(None, 1)), default=0)

    def after(self, answer: Any) -> Doer:
        """Only what is done after `answer`, which was only to make it possible, counts."""
        assert answer.status_code < 400, answer.text
        self.since = self.newest()
        return self

    def post(self, path: str, data: Mapping[str, Any] | None = None, **more: Any) -> Any:
        return self.browser.post(path, dict(data or {}), **more)

    def api(self, path: str, method: str = "POST", **told: Any) -> Any:
        self.world.client.cookies.clear()
        return self.world.client.request(
            method, f"/api/v1{path}", headers=dict(self.headers), json=None if method == "DELETE" else told
        )

    def who(self, text: str) -> Identity:
        people = self.world.store.lookup.search([MINE, OTHER], text).people
        (found,) = [each for each in people if each.username == text] or people
        return found

    def to(self, text: str, path: str, **data: Any) -> Any:
        """A form on somebody's page."""
        return self.post(f"/users/{self.who(text).id}/{path}", data | {"seen": mark(self.who(text))})

    def signed_out(self, path: str, **data: Any) -> Any:
        self.world.client.cookies.clear()
        return self.world.client.post(path, data=data, follow_redirects=False)

    def operator(self, name: str) -> int:
        """A console user with the password GOOD."""
        found = self.world.store.console.operators.named(name)
        if found is None:
            operators = self.world.store.console.operators
            found = operators.add(name, name.title(), None, Role.VIEWER.value, None, "a test", self.world.clock())
            operators.set_password(found.id, own_passwords.hashed(GOOD))
        return found.id

    def names(self, text: str, username: str, on: str = "") -> Any:
        """The form for another username, filled in and confirmed as it is shown."""
        path = f"/users/{self.who(text).id}/names"
        wanted = {"username": username, "email": "", "keep": "yes", "on": on}
        page = self.browser.get(path, params=wanted | {"look": "yes"}).text
        return self.post(path, wanted | {"seen": hidden(page, "seen"), "digest": hidden(page, "digest")})

    def renamed(self, text: str, username: str) -> dict[str, Any]:
        """A rename of one among many, with the digest of its preview."""
        names = [{"identity": self.who(text).id, "username": username}]
        told = self.api(f"/schools/{MINE}/renames/preview", names=names)
        assert told.status_code == 200, told.text
        return {"names": names, "digest": told.json()["digest"]}

    def page_of_renames(self, text: str, username: str, **more: str) -> Any:
        told = self.renamed(text, username)
        wishes = json.dumps([[self.who(text).id, username, None, ""]])
        return self.post(
            f"/schools/{MINE}/rename/confirm", {"wishes": wishes, "digest": told["digest"], "keep": "yes", **more}
        )

    def handed(self, by: str) -> int:
        """A hand-out of first passwords that lies there."""
        number = self.world.store.requests.ask(MINE, "passwords", {"for": by}, by, self.world.clock())
        self.world.place.tray.put(number, by, "csv", "html", self.world.clock())
        return number


Act = Callable[[Doer], Any]


def _everybody(doer: Doer) -> Any:
    page = doer.browser.get(f"/schools/{MINE}/passwords").text
    told = {name: html.unescape(hidden(page, name)) for name in ("looked", "digest")}
    return doer.post(f"/schools/{MINE}/passwords/all", told)


def _joined(doer: Doer) -> Any:
    return doer.to("19rweasley", "record", number="student:9", theirs="yes")


def _signed_out(doer: Doer) -> Any:
    return doer.world.as_(doer.world.operator(Role.VIEWER, name="sybill")).post("/sign-out")


def _own(doer: Doer, path: str, data: Mapping[str, str]) -> Any:
    """Somebody with a password, at a form of their own."""
    doer.operator("filius")
    return doer.world.as_(doer.world.operator(Role.VIEWER, name="filius")).post(path, dict(data))


def _called(doer: Doer) -> Any:
    staff = doer.who("b.ng")
    return doer.world.as_(doer.world.staff(staff.id)).post("/profile", {"name": "Benny", "seen": mark(staff)})


def _token(doer: Doer) -> Any:
    return doer.post("/operators/tokens", {"name": "a robot", "role": "viewer", "days": "9", "whole": "all"})


def _revoked(doer: Doer) -> Any:
    number = next(each.id for each in doer.world.store.console.tokens.all() if each.name == "a robot")
    return doer.post(f"/operators/tokens/{number}/revoke")


PEOPLE: Mapping[str, Act] = {
    "POST /schools/{school}/manual/add": lambda one: one.post(f"/schools/{MINE}/manual/add", {"first": "Ben", "last": "Ng", "role": "staff"}),
    "POST /schools/{school}/manual/file": lambda one: one.post(
        f"/schools/{MINE}/manual/file", files={"file": ("new.csv", b"First,Last,Role\nAnn,Lee,other\n", "text/csv")}
    ),
    "POST /api/v1/schools/{school}/manual": lambda one: one.api(f"/schools/{MINE}/manual", first="Cho", last="Chang"),
    "POST /users/{identity}/edit": lambda one: one.to("a.lee", "edit", first="Anne", last="Lee", ends="2027-08-31"),
    "POST /profile": _called,
    "POST /users/{identity}/display-name": lambda one: one.to("b.ng", "display-name", name="Benjamin Ng"),
    "POST /api/v1/users/{identity}/display-name": lambda one: one.api(f"/users/{one.who('b.ng').id}/display-name", name="Ben Ng"),
    "POST /users/{identity}/names": lambda one: one.names("20hpotter", "harry.potter"),
    "POST /users/{identity}/alias": lambda one: one.to("harry.potter", "alias", address="20hpotter@miltonpark.test"),
    "POST /users/{identity}/names/cancel": lambda one: one.after(one.names("harry.potter", "h.potter", "2027-01-01")).to("harry.potter", "names/cancel"),
    "POST /users/{identity}/disable": lambda one: one.to("harry.potter", "disable", why="a test"),
    "POST /users/{identity}/enable": lambda one: one.to("harry.potter", "enable"),
    "POST /users/{identity}/sync": lambda one: one.to("harry.potter", "sync"),
    "POST /users/{identity}/record": _joined,
    "POST /users/{identity}/apart": lambda one: one.to("19rweasley", "apart", number="student:9"),
    "POST /users/{identity}/forget": lambda one: one.to("hermione", "forget", sure="yes"),
    "POST /api/v1/users/{identity}/rename": lambda one: one.api(f"/users/{one.who('harry.potter').id}/rename", username="h.p", on="2027-01-01"),
    "DELETE /api/v1/users/{identity}/rename": lambda one: one.api(f"/users/{one.who('harry.potter').id}/rename", "DELETE"),
    "POST /api/v1/users/{identity}/disable": lambda one: one.api(f"/users/{one.who('harry.potter').id}/disable", why="a test"),
    "POST /api/v1/users/{identity}/enable": lambda one: one.api(f"/users/{one.who('harry.potter').id}/enable"),
    "POST /api/v1/users/{identity}/sync": lambda one: one.api(f"/users/{one.who('19rweasley').id}/sync"),
    "POST /schools/{school}/rename/look": lambda one: one.post(
        f"/schools/{MINE}/rename/look", {"wishes": json.dumps([[one.who("harry.potter").id, "x.potter", None, ""]])}
    ),
    "POST /schools/{school}/rename/confirm": lambda one: one.page_of_renames("harry.potter", "hp.potter"),
    "POST /schools/{school}/rename/cancel": lambda one: one.after(one.page_of_renames("19rweasley", "r.weasley", on="2027-01-01")).post(f"/schools/{MINE}/rename/cancel", {"who": one.who("19rweasley").id}),
    "POST /api/v1/schools/{school}/renames/confirm": lambda one: one.api(
        f"/schools/{MINE}/renames/confirm", **one.renamed("19rweasley", "ron.weasley"), on="2027-01-01"
    ),
    "POST /api/v1/schools/{school}/renames/cancel": lambda one: one.api(f"/schools/{MINE}/renames/cancel", identity=one.who("19rweasley").id),
    "POST /schools/{school}/passwords": lambda one: one.post(
        f"/schools/{MINE}/passwords", {"user": ["19rweasley"], "looked": one.world.clock().isoformat()}
    ),
    "POST /schools/{school}/passwords/all": _everybody,
    "POST /schools/{school}/passwords/{number}/drop": lambda one: one.post(f"/schools/{MINE}/passwords/{one.handed(BY)}/drop"),
    "POST /api/v1/schools/{school}/passwords": lambda one: one.api(f"/schools/{MINE}/passwords", everybody_new=True),
    "DELETE /api/v1/schools/{school}/passwords/{number}": lambda one: one.api(f"/schools/{MINE}/passwords/{one.handed(SCRIPT)}", "DELETE"),
    "POST /schools/{school}/sync": lambda one: one.post(f"/schools/{MINE}/sync"),
    "POST /api/v1/schools/{school}/sync": lambda one: one.api(f"/schools/{OTHER}/sync"),
    "POST /schools/{school}/check": lambda one: one.post(f"/schools/{MINE}/check"),
    "POST /api/v1/schools/{school}/check": lambda one: one.api(f"/schools/{OTHER}/check"),
    "POST /schools/{school}/alert-test": lambda one: one.post(f"/schools/{MINE}/alert-test"),
    "POST /operators/add": lambda one: one.post("/operators/add", {"name": "pomona", "display": "Pomona", "role": "viewer", "whole": "all"}),
    "POST /operators/{operator}": lambda one: one.post(
        f"/operators/{one.operator('pomona')}", {"display": "Pomona S", "role": "viewer", "schools": MINE}
    ),
    "POST /operators/{operator}/link": lambda one: one.post(f"/operators/{one.operator('pomona')}/link"),
    "POST /operators/tokens": _token,
    "POST /operators/tokens/{token}/revoke": _revoked,
    "POST /profile/password": lambda one: _own(one, "/profile/password", {"old": GOOD, "password": BETTER, "again": BETTER}),
    "POST /profile/sign-out-elsewhere": lambda one: _own(one, "/profile/sign-out-elsewhere", {}),
    "POST /sign-in": lambda one: one.operator("rolanda") and one.signed_out("/sign-in", name="rolanda", password=GOOD),
    "POST /sign-out": _signed_out,
    "POST /choose-password/{secret}": lambda one: one.signed_out(f"/choose-password/{one.known['link']}", password=BETTER, again=BETTER),
}  # fmt: skip
_LINKS = f"/schools/{MINE}/links"
LINKS: Mapping[str, Act] = {
    "POST /schools/{school}/links/confirm": lambda one: one.post(f"{_LINKS}/confirm", {"pair": one.known["pairs"][:1]}),
    "POST /schools/{school}/links/confirm-list": lambda one: one.post(
        f"{_LINKS}/confirm-list?list=likely", {"digest": hidden(one.browser.get(_LINKS).text, "digest")}
    ),
    "POST /schools/{school}/links/reject": lambda one: one.post(f"{_LINKS}/reject", {"pair": one.known["pairs"][1:2]}),
    "POST /schools/{school}/links/undo": lambda one: one.post(f"{_LINKS}/undo", {"who": one.known["pairs"][0].split()[0]}),
    "POST /schools/{school}/links/by-hand": lambda one: one.post(
        f"{_LINKS}/by-hand", dict(zip(("who", "anchor"), one.known["pairs"][2].split(" ", 1), strict=True))
    ),
    "POST /schools/{school}/links/import": lambda one: one.post(
        f"{_LINKS}/import", files={"file": ("links.csv", b"username,mis_id\nold4,4\n")}
    ),
    "POST /schools/{school}/links/look": lambda one: one.post(f"{_LINKS}/look"),
    "POST /api/v1/schools/{school}/links/confirm": lambda one: one.api(f"{_LINKS}/confirm", pairs=[one.known["pairs"][4].split(" ", 1)]),
    "POST /api/v1/schools/{school}/links/reject": lambda one: one.api(f"{_LINKS}/reject", pairs=[one.known["pairs"][5].split(" ", 1)]),
    "POST /api/v1/schools/{school}/links/undo": lambda one: one.api(f"{_LINKS}/undo", identity=one.known["pairs"][0].split()[0]),
    "POST /api/v1/schools/{school}/links/look": lambda one: one.api(f"{_LINKS}/look"),
}  # fmt: skip


def _newest_look(doer: Doer, run: int) -> str:
    """What a look at an undo found, once the desk has looked."""
    asked = doer.post(f"/runs/{run}/undo/look")
    (done,) = desk_does(doer.world)
    (plan,) = done.result["plans"]
    doer.after(asked)
    return str(plan["digest"])


def _undo(doer: Doer) -> Any:
    desk_does(doer.world)  # what was approved now
    run = doer.known["run"] = doer.world.store.runs(MINE, 1)[0]["id"]
    return doer.post(f"/runs/{run}/undo", {"approve": _newest_look(doer, run)})


def _undo_by_script(doer: Doer) -> Any:
    desk_does(doer.world)  # the undo
    first = doer.world.store.runs(MINE, 50)[-1]["id"]
    return doer.api(f"/runs/{first}/undo", approve=[_newest_look(doer, first)])


HELD: Mapping[str, Act] = {
    "POST /schools/{school}/refuse": lambda one: one.post(f"/schools/{MINE}/refuse", {"digest": one.known["digest"], "why": "no"}),
    "POST /api/v1/schools/{school}/refusals": lambda one: one.api(f"/schools/{MINE}/refusals", digest=one.known["digest"], why="no"),
    "POST /schools/{school}/approve": lambda one: one.post(f"/schools/{MINE}/approve", {"digest": one.known["digest"]}),
    "POST /api/v1/schools/{school}/approvals": lambda one: one.api(f"/schools/{MINE}/approvals", digest=one.known["digest"], now=True),
    "POST /runs/{run}/undo": _undo,
    "POST /api/v1/runs/{run}/undo": _undo_by_script,
}  # fmt: skip
FIRST: Mapping[str, Act] = {
    "POST /first/{secret}": lambda one: one.signed_out(
        f"/first/{one.known['link']}", name="albus", display="Albus", password=GOOD, again=GOOD
    )
}
PROVEN: Mapping[str, Act] = {**PEOPLE, **LINKS, **HELD, **FIRST}


def doer(world: Morning, **known: Any) -> Doer:
    headers = {"Authorization": f"Bearer {world.token(Role.ADMINISTRATOR)}"}
    return Doer(world, world.as_(world.operator(Role.ADMINISTRATOR, name=BY)), headers, known)


def silent(one: Doer, acts: Mapping[str, Act]) -> list[tuple[str, Any]]:
    """Those acts that were not done, or that nobody can see to have been done, or by whom."""
    wrong: list[tuple[str, Any]] = []
    audit = one.world.store.console.audit
    for door, act in acts.items():
        one.since = one.newest()
        answer = act(one)
        new = [each for each in audit.list(None) if each.id > one.since]
        if answer.status_code not in (200, 201, 202, 204, 303):
            wrong.append((door, (answer.status_code, answer.text[-1500:])))
        elif not new:
            wrong.append((door, "no entry"))
        elif (
            "/api/" in door
            and new[0].by != SCRIPT
            or door.startswith(("POST /schools", "POST /users", "POST /runs", "POST /operators"))
            and new[0].by != BY
        ):
            wrong.append((door, f"an entry by {new[0].by}"))
    return wrong


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Morning]:
    """A school with somebody who has left, a doubtful record, and a desk that does nothing, so that nobody is changed but by the test."""
    command = Command(tmp_path)
    command.configure(CONFIG + SECOND)
    command.students(*POTTERS)
    command.students("1,Ada,Byron,3,01/09/2026,", folder="oakfield")
    command.run("sync", MINE)
    command.students(
        "1,Harry,Potter,7,01/09/2026,", "2,Hermione,Granger,7,01/09/2026,01/11/2026", "3,Ron,Weasley,8,01/09/2025,01/11/2026",
        "9,Ron,Weasley,8,20/11/2026,",
    )  # fmt: skip
    with at_work(command, MINE, OTHER) as world:
        world.service.desk.stop()
        yield world


@pytest.fixture
def linking(tmp_path: Path) -> Iterator[AtWork]:
    """A school whose accounts somebody has looked at."""
    with at_work(with_accounts(tmp_path, 6)) as world:
        world.ask(world.operator_at(), f"{_LINKS}/look")
        world.service.desk.stop()
        yield world


def test_every_write_is_carried_out_here_or_says_why_it_leaves_no_entry(world: Morning) -> None:
    writes = {f"{each.method} {each.path}" for each in doors(world.client.app) if each.method != "GET"}  # type: ignore[arg-type]
    assert writes - PROVEN.keys() - EXEMPT.keys() == set(), (
        "a write that is neither proven to leave an entry nor exempt"
    )
    assert (PROVEN.keys() | EXEMPT.keys()) - writes == set(), "a write that is no longer there"
    assert PROVEN.keys() & EXEMPT.keys() == set()


def test_what_is_done_to_people_and_to_the_console_leaves_an_entry(busy: Morning) -> None:
    one = doer(busy)
    pansy = busy.store.console.operators.get(one.operator("pansy"))
    assert pansy is not None
    one.known["link"] = new_link(busy.store, pansy, "a test", busy.clock())
    assert silent(one, PEOPLE) == []


def test_what_is_said_of_accounts_leaves_an_entry(linking: AtWork) -> None:
    request = linking.store.requests.newest_done(MINE, "links")
    assert request is not None and request.result is not None
    of = {each["account"]: each["theirs"]["anchor"] for each in request.result["people"] if each["account"]}
    pairs = [f"{linking.person(str(number)).id} {of[f'old{number}']}" for number in range(1, 7)]
    assert silent(doer(linking, pairs=pairs), LINKS) == []


def test_what_is_decided_of_a_plan_and_of_a_run_leaves_an_entry(tmp_path: Path) -> None:
    with morning(tmp_path, *pupils()) as world:
        catch_up(world)
        digest = digest_of(held_plan(world))
        assert silent(doer(world, digest=digest), HELD) == []


def test_whoever_administers_first_leaves_an_entry(world: Morning) -> None:
    link = first_link(world.store, world.clock())
    assert silent(Doer(world, Browser(world.client, "", ""), {}, {"link": link}), FIRST) == []
    assert world.store.console.audit.list(None)[0].by == "albus"


def test_a_request_that_is_refused_leaves_none(world: Morning) -> None:
    viewer = world.as_(world.operator(Role.VIEWER, MINE))
    assert viewer.post(f"/schools/{MINE}/sync").status_code == 403
    assert viewer.post(f"/schools/{OTHER}/check").status_code == 403
    assert world.store.console.audit.list(None) == []
