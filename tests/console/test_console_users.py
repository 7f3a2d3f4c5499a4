"""Who may use the console is said at a shell too, by whoever has locked themselves out; and a new installation says how to begin."""

from __future__ import annotations

import http.client
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from command import Command, milton_park
from onroll_core.store import Store


@pytest.fixture
def onroll(tmp_path: Path) -> Command:
    return milton_park(tmp_path)


def store(onroll: Command) -> Store:
    return Store.open(f"sqlite:///{onroll.folder / 'onroll.db'}", lambda: datetime.now(UTC))


def test_somebody_is_let_in_and_sent_a_link(onroll: Command) -> None:
    assert "Nobody may use the console yet" in onroll.run("console", "users").out
    told = onroll.json("console", "add", "Ann.Lee", "--role", "issuer", "--school", "milton-park", "--email", "ann@milton.test")  # fmt: skip
    assert (told["name"], told["role"], told["schools"]) == ("ann.lee", "password issuer", ["milton-park"])
    secret = told["link"].rpartition("/")[2]
    opened = store(onroll)
    try:
        ann = opened.console.operators.named("ann.lee")
        assert ann is not None
        assert opened.console.links.look(secret, datetime.now(UTC)) == (True, ann.id)
        assert all(each.by.endswith("at a shell") for each in opened.console.audit.list(None))
    finally:
        opened.close()
    assert "ann.lee              password issuer  milton-park; never signed in" in onroll.run("console", "users").out
    again = onroll.run("console", "add", "ann.lee", "--role", "viewer", code=1)
    assert "Somebody else has the name ann.lee already" in again.err


def test_what_is_wrong_is_a_sentence_and_changes_nothing(onroll: Command) -> None:
    err = onroll.run("console", "add", "Ann Lee", "--role", "king", "--school", "hogwarts", code=2).err
    for sentence in ("without a space", "--role: Choose one of", "--schools: There is no school hogwarts"):
        assert sentence in err
    assert "There is no console user ann" in onroll.run("console", "link", "ann", code=1).err
    assert "1 to 366 days" in onroll.run("console", "token", "x", "--role", "viewer", "--days", "0", code=1).err
    assert onroll.json("console", "users") == {"users": []}


def test_somebody_is_disabled_and_let_in_again_but_never_the_last_administrator(onroll: Command) -> None:
    onroll.run("console", "add", "viewer", "--role", "viewer")
    assert (
        "viewer may not use the console." in onroll.run("console", "disable", "viewer").out
    )  # with no administrator at all
    onroll.run("console", "add", "head", "--role", "administrator")
    assert "Somebody has to be able to administer" in onroll.run("console", "disable", "head", code=1).err
    assert "may not use the console" in onroll.run("console", "link", "viewer", code=1).err
    assert "viewer may use the console." in onroll.run("console", "enable", "viewer").out
    assert onroll.run("console", "link", "viewer").out.splitlines()[1].startswith("http://127.0.0.1")


def test_a_token_is_made_for_a_script(onroll: Command) -> None:
    token = onroll.run("console", "token", "report", "--role", "viewer", "--school", "milton-park").out.strip()
    opened = store(onroll)
    try:
        found = opened.console.tokens.find(token, datetime.now(UTC))
        assert found is not None
        assert (found.name, found.role, found.schools) == ("report", "viewer", {"milton-park"})
    finally:
        opened.close()


def test_init_prints_the_first_link_once(tmp_path: Path) -> None:
    command = Command(tmp_path)
    link = command.run("init", str(tmp_path / "new")).out.splitlines()[-1]
    assert link.startswith("http://127.0.0.1:8750/first/")
    opened = store(Command(tmp_path / "new"))
    try:
        assert opened.console.links.look(link.rpartition("/")[2], datetime.now(UTC)) == (True, None)
    finally:
        opened.close()


def test_serve_logs_a_first_link_until_somebody_administers_it(onroll: Command) -> None:
    def served(look: bool) -> str:
        running = onroll.start("serve", "--config", str(onroll.folder / "onroll.toml"))
        assert running.stderr is not None
        lines: list[str] = []
        try:
            for line in running.stderr:
                lines.append(line)
                if "console at" in line and not look:
                    break
                if found := re.search(r"open http://(127\.0\.0\.1:\d+)(/first/\S+) to become", line):
                    there = http.client.HTTPConnection(found[1], timeout=30)
                    there.request("GET", found[2])
                    assert there.getresponse().status == 200
                    there.close()
                    break
        finally:
            running.terminate()
            lines.append(running.communicate(timeout=60)[1] or "")
        return "".join(lines)

    assert "to become the first; the link works once" in served(look=True)
    onroll.run("console", "add", "head", "--role", "administrator")
    assert "/first/" not in served(look=False)
