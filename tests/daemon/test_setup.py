"""onroll setup: what is told is kept, what can be found is found, what is missing is a sentence, and nothing is half written."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from command import CONFIG, Command
from onroll_connectors.targets.ad_discovery import Domain
from onroll_core.accounts import Account
from onroll_core.errors import Unavailable
from onroll_daemon.kinds import kinds, settings_of
from onroll_daemon.mistakes import Misconfigured
from onroll_daemon.setup import answers as answering
from onroll_daemon.setup.answers import Answers, Wrong
from onroll_daemon.setup.dialogue import SOURCE_KEYS, Dialogue
from onroll_daemon.setup.looking import Survey, likely_domains
from onroll_daemon.setup.terminal import keep
from onroll_daemon.setup.writing import document

ROOT = "DC=school,DC=test"
NAMES = [("Ada", "Hope"), ("Ben", "Price"), ("Cyd", "Marlow"), ("Dee", "Finch"), ("Eve", "Reed"), ("Flo", "Kaye")]


def school(root: str = "Milton Park") -> list[Account]:
    """Pupils as 24ahope, teachers as a.hope, in OUs below `root`."""
    pupils = [
        Account(f"24{first[0]}{last}".lower(), f"24{first[0]}{last}@pupils.miltonpark.test".lower(), frozenset(), f"{first} {last}", first, last, f"{root}/Pupils/2024")
        for first, last in NAMES
    ]  # fmt: skip
    staff = [
        Account(f"{first[0]}.{last}".lower(), f"{first[0]}.{last}@miltonpark.test".lower(), frozenset(), f"{first} {last}", first, last, f"{root}/Teachers")
        for first, last in NAMES
    ]  # fmt: skip
    return pupils + staff


@dataclass
class Seen:
    """What there is to look at: a domain or none, and surveys by kind; a sentence instead of a survey is a failure."""

    here: Domain | None = None
    surveys: dict[str, Survey | str] = field(default_factory=dict)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    free: tuple[str, ...] = ()

    def domain(self) -> Domain | None:
        return self.here

    def root(self, table: Mapping[str, Any]) -> str:
        return ROOT

    def survey(self, kind: str, table: Mapping[str, Any]) -> Survey:
        self.asked.append(dict(table))
        found = self.surveys.get(kind, Survey())
        if isinstance(found, str):
            raise Unavailable(found)
        if any(table.get(key) in self.free for key in ("identity_attribute", "identity")):
            return Survey(found.accounts, [""] * len(found.accounts), found.fed)
        return found


def survey(accounts: Sequence[Account], carried: str = "", fed: bool = False) -> Survey:
    return Survey(accounts, [carried] * len(accounts), fed)


class Script:
    """Somebody who answers by the first word of what is asked for; whatever the script does not know is answered with Return."""

    def __init__(self, **answers: str | list[str]) -> None:
        self.answers, self.questions = answers, list[str]()

    def _answer(self, question: str) -> str | None:
        self.questions.append(question)
        for words, answer in self.answers.items():
            if words.replace("_", " ") in question:
                return answer.pop(0) if isinstance(answer, list) else answer
        return None

    def text(self, question: str, default: str | None, choices: Sequence[str] = (), wrong: Wrong | None = None) -> str:
        given = self._answer(question)
        given = (default or "") if given is None else given
        assert not given or wrong is None or wrong(given) is None, (question, given)
        return given

    def yes(self, question: str, default: bool) -> bool:
        given = self._answer(question)
        return default if given is None else given == "yes"

    def secret(self, question: str, name: str) -> str:
        self._answer(question)
        return f"file:secrets/{name}"

    def file(self, question: str) -> str:
        return f"file:{self._answer(question) or 'a.pem'}"


def dialogue(told: dict[str, Any], look: Seen, asker: Any = None) -> tuple[dict[str, Any], list[str]]:
    """The answers when everything has been settled, and what was said meanwhile."""
    said: list[str] = []
    answers = Answers(told, asker)
    Dialogue(answers, look, said.append, 2026).hold()
    return answers.told, said


FILE: dict[str, Any] = {
    "school": {"name": "Milton Park School", "mis": "Arbor", "source": {"endpoint": "https://x.arbor.sc"}}
}
HERE = Domain("school.test", ROOT, "dc1.school.test")


def answers_file(**targets: dict[str, Any]) -> dict[str, Any]:
    return {"school": dict(FILE["school"]), "targets": targets}


def test_a_file_of_answers_is_filled_up_by_looking() -> None:
    told, said = dialogue(
        answers_file(ad={"kind": "active_directory", "password": "env:PW"}),
        Seen(HERE, {"active_directory": survey(school())}),
    )
    ad = told["targets"]["ad"]
    assert (ad["server"], ad["user"]) == ("ldaps://dc1.school.test", "onroll@school.test")
    assert ad["base"] == f"OU=Milton Park,{ROOT}" and ad["observe_only"] is True
    it = told["school"]
    assert (it["id"], it["mis"], it["targets"]) == ("milton-park-school", "arbor", ["ad"])
    assert (it["domain"], it["students"]["domain"]) == ("miltonpark.test", "pupils.miltonpark.test")
    assert it["students"]["username"] == "{yoe2}{initial}{last}" and it["students"]["place"] == "Pupils/{yoe4}"
    assert it["staff"]["username"] == "{initial}.{last}" and it["staff"]["place"] == "Teachers"
    assert "100 % of 6 usernames of pupils are made as {yoe2}{initial}{last}: 24ahope." in said


def test_what_was_told_is_never_replaced_by_what_was_found() -> None:
    file = answers_file(ad={"kind": "active_directory", "server": "ldaps://dc9.school.test", "user": "svc@school.test",
                            "password": "env:PW", "base": f"OU=Other,{ROOT}", "observe_only": False, "timeout": 9})  # fmt: skip
    file["school"] |= {"id": "mp", "domain": "mp.test", "students": {"username": "{first}.{last}"}, "limits": {"create": {"count": 9, "percent": 9}}}  # fmt: skip
    told, _ = dialogue(file, Seen(HERE, {"active_directory": survey(school("Other"))}))
    ad, it = told["targets"]["ad"], told["school"]
    assert (ad["server"], ad["user"], ad["base"]) == ("ldaps://dc9.school.test", "svc@school.test", f"OU=Other,{ROOT}")
    assert ad["observe_only"] is False and ad["timeout"] == 9
    assert (it["id"], it["domain"], it["students"]["username"]) == ("mp", "mp.test", "{first}.{last}")
    assert it["staff"]["place"] == "Teachers", "the habits are those of the OU that was named"
    assert it["limits"] == {"create": {"count": 9, "percent": 9}}


def test_what_nobody_told_and_looking_did_not_find_is_missing_each_in_a_sentence() -> None:
    with pytest.raises(Misconfigured) as wrong:
        dialogue({"school": {"mis": "csv"}, "targets": {"ad": {"kind": "active_directory"}, "m365": {"kind": "microsoft365"}}}, Seen())  # fmt: skip
    said = "\n".join(wrong.value.sentences)
    for each in ("name of [school]", "domain of [school]", "server of [targets.ad]", "password of [targets.ad]", "tenant of [targets.m365]"):  # fmt: skip
        assert f"The answers do not say {each}" in said


def test_a_target_that_cannot_be_looked_at_is_told_and_left_as_answered() -> None:
    file = answers_file(ad={"kind": "active_directory", "password": "env:PW", "base": f"OU=A,{ROOT}"})
    file["school"]["domain"] = "miltonpark.test"
    told, said = dialogue(file, Seen(HERE, {"active_directory": "Active Directory does not answer."}))
    assert "ad could not be looked at: Active Directory does not answer." in said
    assert told["targets"]["ad"]["base"] == f"OU=A,{ROOT}" and "username" not in told["school"].get("students", {})


def test_an_identity_attribute_that_is_in_use_is_not_taken() -> None:
    told, said = dialogue(
        answers_file(ad={"kind": "active_directory", "password": "env:PW"}),
        Seen(HERE, {"active_directory": survey(school(), "payroll 17")}, free=("employeeNumber",)),
    )
    assert told["targets"]["ad"]["identity_attribute"] == "employeeNumber"
    assert any("employeeID is in use in ad (12 accounts), so onroll's own id goes into employeeNumber." in each for each in said)  # fmt: skip


def test_onrolls_own_identities_mean_that_a_store_is_somewhere() -> None:
    told, said = dialogue(
        answers_file(ad={"kind": "active_directory", "password": "env:PW"}),
        Seen(HERE, {"active_directory": survey(school(), "abcdefgh23456")}),
    )
    assert "identity_attribute" not in told["targets"]["ad"]
    assert any("12 of them made by onroll: bring its store along" in each for each in said)


def test_where_entra_connect_brings_the_accounts_none_are_made() -> None:
    m365 = {"kind": "microsoft365", "tenant": "t", "client_id": "c", "certificate": "file:x.pem"}
    told, _ = dialogue(answers_file(m365=dict(m365)), Seen(None, {"microsoft365": survey(school(""), fed=True)}))
    assert told["targets"]["m365"]["create"] is False
    told, _ = dialogue(answers_file(m365=dict(m365)), Seen(None, {"microsoft365": survey(school(""))}))
    assert "create" not in told["targets"]["m365"]


def test_a_person_is_asked_with_what_was_found_as_the_default() -> None:
    asker = Script(
        **{"The school's name": "Milton Park School", "The MIS": "wonde", "Microsoft": "no", "school: ": "A1"},
        Kinds_of_groups="year, teaching",
    )  # fmt: skip
    told, _ = dialogue({}, Seen(HERE, {"active_directory": survey(school())}), asker)
    ad, it = told["targets"]["ad"], told["school"]
    assert ad["server"] == "ldaps://dc1.school.test" and ad["password"] == "file:secrets/ad-password"
    assert ad["base"] == f"OU=Milton Park,{ROOT}" and ad["groups"] == ["year", "teaching"] and "ca_file" not in ad
    assert it["source"] == {
        "school": "A1",
        "token": "file:secrets/wonde-token",
        "endpoint": "https://api.wonde.com/v1.0",
    }
    assert it["students"]["username"] == "{yoe2}{initial}{last}" and list(told["targets"]) == ["ad"]
    assert tomllib.loads(document(told, date(2026, 11, 26)))["school"][0]["name"] == "Milton Park School"  # fmt: skip


def test_a_person_whose_answers_do_not_work_may_answer_again() -> None:
    asker = Script(**{"The school's name": "M", "The MIS": "csv", "path": "export", "Microsoft": "no"}, A_domain_controller=["ldaps://dc7", "ldaps://dc8"])  # fmt: skip

    class Second(Seen):
        def survey(self, kind: str, table: Mapping[str, Any]) -> Survey:
            if table["server"] == "ldaps://dc7":
                raise Unavailable("dc7 does not answer.")
            return super().survey(kind, table)

    told, said = dialogue({}, Second(HERE, {"active_directory": survey(school())}), asker)
    assert (
        told["targets"]["ad"]["server"] == "ldaps://dc8" and "ad could not be looked at: dc7 does not answer." in said
    )


def test_every_source_is_asked_for_what_makes_it_work() -> None:
    assert set(SOURCE_KEYS) == set(kinds("sources"))
    for kind, keys in SOURCE_KEYS.items():
        fields = settings_of("sources", kind).model_fields
        assert set(keys) <= set(fields), kind
        values = {
            key: 12 if fields[key].annotation is int
            else "env:SECRET" if "Secret" in str(fields[key].annotation)
            else "https://a.school.test" if key in ("endpoint", "token_url")
            else "8213456" if key == "estab" else "export"
            for key in keys
        }  # fmt: skip
        settings_of("sources", kind).model_validate(values)


@pytest.mark.parametrize(
    ("environment", "own", "resolver", "found"),
    [
        ({"USERDNSDOMAIN": "SCHOOL.TEST"}, "srv1.other.test", "", ["school.test", "other.test"]),
        ({}, "localhost", "nameserver 10.0.0.1\nsearch school.test trust.test\n", ["school.test", "trust.test"]),
        ({}, "localhost.localdomain", "domain .\n", []),
    ],
)
def test_the_domain_is_guessed_from_the_machine(
    environment: dict[str, str], own: str, resolver: str, found: list[str]
) -> None:
    assert likely_domains(environment, own, resolver) == found


ANSWERS = """
[targets.ad]
kind = "active_directory"
server = "embedded:directory.json"
base = "OU=Milton Park,DC=school,DC=test"
observe_only = false
[school]
name = "Milton Park School"
domain = "miltonpark.test"
mis = "csv"
[school.source]
path = "export"
quiet_seconds = 0
"""


@pytest.fixture
def command(tmp_path: Path) -> Command:
    found = Command(tmp_path)
    (tmp_path / "answers.toml").write_text(ANSWERS, encoding="utf-8")
    found.students("1,Harry,Potter,7,01/09/2026,")
    return found


def set_up(command: Command, *more: str, code: int = 0) -> Any:
    return command.process("setup", str(command.folder), "--answers", "answers.toml", *more, code=code)


def test_from_the_answers_to_the_first_plan(command: Command) -> None:
    done = set_up(command)
    assert f"Wrote {command.folder / 'onroll.toml'}." in done.out and "/first/" in done.out
    assert "milton-park-school: " in command.run("pull").out
    assert "Create 20hpotter (Harry Potter)" in command.run("plan").out
    again = set_up(command, code=2)
    assert "is set up already: it has targets" in again.err


def test_the_sample_of_an_installation_is_replaced_and_kept(command: Command) -> None:
    sample = '[store]\nurl = "sqlite:///elsewhere.db"\n[[school]]\nid = "a"\n'
    command.configure(sample)
    (command.folder / "onroll.toml").chmod(0o640)
    set_up(command)
    written = command.folder / "onroll.toml"
    assert 'url = "sqlite:///elsewhere.db"' in written.read_text(encoding="utf-8")
    kept = command.folder / "onroll.toml.before-setup"
    assert kept.read_text(encoding="utf-8") == sample and kept.stat().st_mode & 0o777 == 0o640
    assert written.stat().st_mode & 0o777 == 0o640 and (command.folder / "elsewhere.db").is_file()


def test_a_store_that_root_makes_is_its_folders_owners(command: Command) -> None:
    os.chown(command.folder, 65534, 65534)
    set_up(command)
    made = (command.folder / "onroll.db").stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (65534, 65534, 0o640)


if os.geteuid() != 0:
    del test_a_store_that_root_makes_is_its_folders_owners  # only root can hand anything over


def test_answers_with_mistakes_change_nothing(command: Command) -> None:
    file = command.folder / "answers.toml"
    file.write_text(ANSWERS + "colour = 3\n[console]\nlisten = 5\n", encoding="utf-8")
    wrong = set_up(command, code=2)
    assert "answers.toml: school.source.colour" in wrong.err and "onroll.toml.new" not in wrong.err
    assert not list(command.folder.glob("onroll.*")), "nothing is left behind"
    file.write_text("[school\n", encoding="utf-8")
    assert "answers.toml cannot be understood" in set_up(command, code=2).err
    file.write_text(CONFIG + CONFIG.partition("[[school]]")[1] + '\nid = "b"\n', encoding="utf-8")
    assert "has 2 schools. Set up one" in set_up(command, code=2).err


def test_without_a_terminal_nobody_is_asked(command: Command) -> None:
    assert "There is no terminal to ask on" in command.process("setup", ".", code=2, stdin=-3).err
    assert "name a file of answers" in command.process("setup", ".", "--json", code=2).err


def test_a_typed_secret_is_kept_where_only_its_reader_looks(tmp_path: Path) -> None:
    assert keep(tmp_path, "ad-password", "pa55 word") == "file:secrets/ad-password"
    kept = tmp_path / "secrets" / "ad-password"
    assert kept.read_text(encoding="utf-8") == "pa55 word\n" and kept.stat().st_mode & 0o007 == 0
    keep(tmp_path, "ad-password", "another")
    assert kept.read_text(encoding="utf-8") == "another\n" and len(list(kept.parent.iterdir())) == 1
    with pytest.raises(Misconfigured, match="cannot be read"):
        answering.read(tmp_path / "none.toml")
