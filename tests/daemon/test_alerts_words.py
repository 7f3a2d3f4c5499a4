"""What alerts say: nobody's name unless it is allowed, and own texts that are tried at the start."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from command import CONFIG, milton_park
from onroll_core import limits
from onroll_core.store import Store
from onroll_daemon import settings as configuration
from onroll_daemon.alerts import safe
from onroll_daemon.alerts.deciding import decide
from onroll_daemon.alerts.looking import look
from onroll_daemon.alerts.texts import EXAMPLES, OURS, Texts, file_of, wrong_with
from onroll_daemon.mistakes import Misconfigured
from onroll_daemon.settings import Settings

NOW = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)
NAMES = (
    "Potter",
    "hermione.granger",
    "O'Hara-Smythe",
    "<b>Weasley</b>",
    "{{ 7*7 }}",
    "Ünal",
    "9 pupils would be disabled Longbottom",
    "password Lovegood",
)
ALERTS = '[alerts]\nto = ["env:ONROLL_ALERT_EMAIL"]\n'


def load(folder: Path, alerts: str = ALERTS) -> Settings:
    milton_park(folder).configure(CONFIG + alerts)
    return configuration.load(folder / "onroll.toml")


def mistakes(folder: Path, alerts: str) -> str:
    with pytest.raises(Misconfigured) as raised:
        load(folder, alerts)
    return "\n".join(raised.value.sentences)


def bad_night(store: Store, name: str) -> None:
    """A run in which every sentence of every system holds a name."""
    first = store.start_run("milton-park", "sync", NOW.replace(hour=19))
    store.end_run(first, "done", {}, NOW.replace(hour=19))
    number = store.start_run("milton-park", "sync", NOW.replace(hour=20))
    target = {
        "verdict": "held",
        "digest": "0123456789abcdef",
        "objections": [f"9 pupils would be disabled, {name} among them.", f"{name} was undone.", name],
        "failed": 4,
        "problems": [f"{name} is taken.", f"Could not create {name}: password refused.", name, f"{name} \n {name}"],
        "error": f"{name} stands in the way",
        "notices": [name],
    }
    store.end_run(number, "held", {"people": {"joiners": 1}, "targets": {"ad": target}}, NOW.replace(hour=20, minute=1))
    store.note_contact("milton-park", NOW, f"Line 17 of the answer is broken: {name},7B")


def told(settings: Settings, store: Store) -> str:
    """Every text that this school could come to, in its words of now."""
    write = Texts(settings.alerts.templates).write
    schools = look(settings, store, NOW)
    _, before = decide({}, [], NOW, settings.alerts, write)
    first, before = decide(before, schools, NOW, settings.alerts, write)
    week = NOW.replace(day=30, hour=8)
    later, _ = decide(before, look(settings, store, week), week, settings.alerts, write)
    found = [*first, *later]
    assert {"held", "failing", "digest"} <= {alert.kind for alert in found}
    return "\n".join(f"{alert.title}\n{alert.text}\n{alert.key}" for alert in found)


@pytest.mark.parametrize("name", NAMES)
def test_no_name_gets_into_an_alert(tmp_path: Path, name: str) -> None:
    settings = load(tmp_path)
    store = Store.open(settings.store_url, lambda: NOW)
    bad_night(store, name)
    schools = look(settings, store, NOW)
    said = f"{schools}{told(settings, store)}"
    secrets = {word for word in name.replace("9 pupils would be disabled", "").replace("password", "").split() if word}
    for word in secrets:
        assert word not in said
    assert "9 pupils would be disabled." in said
    (target,) = schools[0].runs[0].targets
    reasons = dict(target.reasons)
    assert reasons.get("a name or an address is taken", 0) + reasons.get("a password was not accepted", 0) >= 2
    assert sum(reasons.values()) == 4
    store.close()


def test_with_personal_data_sentences_are_told_as_they_are(tmp_path: Path) -> None:
    settings = load(tmp_path, f"{ALERTS}personal_data = true\n")
    store = Store.open(settings.store_url, lambda: NOW)
    bad_night(store, "Potter")
    said = told(settings, store)
    assert "9 pupils would be disabled, Potter among them." in said
    assert "Line 17 of the answer is broken: Potter,7B" in said
    store.close()


@pytest.mark.parametrize("kind", sorted(limits._WORDS))
def test_every_limit_has_a_sentence_of_its_own(kind: str) -> None:
    sentence = f"12 pupils {limits._WORDS[kind]} in ad; the limit is 5 (the larger of 5 and 3 % of 120)."
    said = safe.objection(sentence)
    assert said.startswith("12 pupils would ")
    assert said.endswith(".")


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("60 of the 120 accounts that onroll looks after in ad are no longer to be seen there (at most 12 would be believed).", "60 of 120 accounts"),
        ("40 of 120 pupils are missing from the MIS's answer with no leaving date (at most 6 would be believed).", "40 of 120 pupils are missing"),
        ("All 30 pupils of year group Potter are missing from the MIS's answer with no leaving date.", "All 30 pupils of a year group"),
        ("9 of the 30 pupils of year group 7 are missing from the MIS's answer with no leaving date.", "9 of 30 pupils of a year group"),
        ("40 of 120 staff have become leavers at once, outside the end of their final year", "40 of 120 staff have become leavers"),
        ("90 people are on roll under MIS records that onroll has never seen, without", "90 people are on roll"),
        ("90 people have another name and number than before under the same MIS record", "90 people have become others"),
        ("90 of 120 pupils have moved up a year group at once, and it is 3 March", "90 of 120 pupils have moved up"),
        ("The column upn of pupils was filled for 90 of 120", "A column"),
        ("There were 40 teaching groups at the last good read and now there are 2.", "There are far fewer groups than the 40"),
        ("3 of these changes were undone on 3 March by Potter (run 12): if they are right now, approve.", "What somebody undid"),
        ("3 Potters would be disabled", "There is an objection of another kind."),
    ],
)  # fmt: skip
def test_an_objection_is_recognised_and_said_again(sentence: str, said: str) -> None:
    assert safe.objection(sentence).startswith(said)
    assert "Potter" not in safe.objection(sentence)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Could not create x: the domain's password policy refused the password.", "a password was not accepted"),
        ("The app may not change licences: grant it a right.", "licences could not be changed"),
        ("x could not be made: Insufficient access rights.", "onroll has no right to do that there"),
        ("Could not create x: every CN for X is taken in OU=X.", "a name or an address is taken"),
        ("The address x is held in Google Workspace by y, which is not this person's.", "a name or an address is taken"),
        ("The account of x is not in Active Directory any more", "an account or a group is not there"),
        ("Could not add x: x has no account in Google Workspace yet.", "an account has to be made first"),
        ("onroll does not write department in Microsoft 365", "the settings do not let onroll write that"),
        ("Potter", "for another reason"),
    ],
)  # fmt: skip
def test_a_refusal_is_recognised_and_said_again(sentence: str, said: str) -> None:
    assert safe.refusal(sentence) == said


def test_each_kind_has_a_text_of_ours_that_can_be_written() -> None:
    assert wrong_with(OURS) == []
    assert {path.name for path in OURS.glob("*.txt")} == {file_of(kind) for kind in EXAMPLES}
    for kind, example in EXAMPLES.items():
        for console in ("https://onroll.school.test", ""):
            title, text = Texts().write(kind, {**example, "console": console})
            assert title
            assert "\n" not in title
            assert (console or "server") in text or kind in ("well", "test")
            assert "\n\n\n" not in text, text


def test_an_own_text_is_used_and_the_others_stay_ours(tmp_path: Path) -> None:
    own = tmp_path / "texts"
    own.mkdir()
    (own / "late.txt").write_text("Verspätet: {{ school }}\n\n{{ reason }}\n", encoding="utf-8")
    settings = load(tmp_path, f'{ALERTS}templates = "texts"\nconsole_address = "https://onroll.school.test/"\n')
    texts = Texts(settings.alerts.templates)
    assert texts.write("late", EXAMPLES["late"]) == ("Verspätet: Milton Park School", "The MIS could not be read.")
    assert texts.write("well", EXAMPLES["well"])[0] == "Milton Park School: working again"
    assert settings.alerts.console_address == "https://onroll.school.test"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("late.txt", "{{ shool }}\nx", "there is nothing called shool for this text. Did you mean school?"),
        ("held.txt", "x\n{{ objection }}", "Did you mean objections?"),
        ("digest.txt", "x\n{% for each in targets %}{{ each.nmae }}{% endfor %}", "no attribute 'nmae'"),
        ("late.txt", "x\n{{ school", "line 2 cannot be understood"),
        ("late.txt", "\n", "is empty; its first line is the title."),
        ("late.txt", "{{ school.__class__.__mro__ }}", "cannot be filled in"),
        ("late.txt", "{% include '/etc/hostname' %}", "cannot be filled in"),
        ("later.txt", "x", "belongs to no alert. It may be one of: digest.txt, failed-changes.txt"),
    ],
)
def test_a_mistake_in_an_own_text_stops_the_start(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / name).write_text(text, encoding="utf-8")
    found = mistakes(tmp_path, f'{ALERTS}templates = "texts"\n')
    assert sentence in found
    assert "alerts.templates" in found


def test_a_text_that_is_not_utf8_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "late.txt").write_bytes(b"Versp\xe4tet")
    assert "is not UTF-8" in mistakes(tmp_path, f'{ALERTS}templates = "texts"\n')


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ('to = ["mailtos://me:secret@mail.school.test"]', "a secret is not written here"),
        ('to = ["env:A"]\ndigest = "Mondays"', "alerts.digest: 'Mondays' is not a day and a time; write Monday 07:30"),
        ('about = ["lost"]', "has to be"),
        ('templates = "nowhere"', "there is no folder"),
        ('two = ["env:A"]', "Did you mean to?"),
    ],
)
def test_a_mistake_in_the_table_stops_the_start(tmp_path: Path, told: str, sentence: str) -> None:
    found = mistakes(tmp_path, f"[alerts]\n{told}\n")
    assert sentence in found
    assert "secret@" not in found


def test_without_a_table_nobody_is_told(tmp_path: Path) -> None:
    assert load(tmp_path, "").alerts.to == ()
