"""onroll.toml: what is right is understood, and every mistake is a sentence that names file, line, key and what to do."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from onroll_core.people import GroupKind, Role
from onroll_core.rules import Limit, Limits, Sanity
from onroll_daemon import settings
from onroll_daemon.kinds import kinds, settings_of
from onroll_daemon.mistakes import Misconfigured, Mistakes
from onroll_daemon.samples import sample, source_keys, toml
from onroll_daemon.tables import FileTables
from onroll_daemon.timetable import Attempt, feed_awaited
from onroll_daemon.windows import Window

ROOT = Path(__file__).parents[2]
GOOD = """
[targets.ad]
kind = "active_directory"
server = "embedded:test"
base = "OU=Milton Park,DC=school,DC=test"
write = ["department"]
[targets.ad.attributes.students]
department = "{year}"
[targets.ad.owners]
department = "once"

[[school]]
id = "milton-park"
name = "Milton Park School"
domain = "miltonpark.test"
mis = "csv"
targets = ["ad"]
[school.source]
path = "export"
[school.limits]
disable = { count = 7, percent = 1.5 }
"""
SECOND = """
[[school]]
id = "oakfield"
name = "Oakfield"
domain = "oakfield.test"
mis = "csv"
targets = ["ad"]
source = { path = "oakfield" }
students = { place = "{school_id}/Students" }
staff = { place = "Oakfield/Staff" }
"""


def load(folder: Path, text: str) -> settings.Settings:
    path = folder / "onroll.toml"
    path.write_text(text, encoding="utf-8")
    return settings.load(path)


def wrong(folder: Path, text: str) -> list[str]:
    with pytest.raises(Misconfigured) as refused:
        load(folder, text)
    found = refused.value.sentences
    assert all(each.startswith(str(folder / "onroll.toml")) and each[-1] in ".?!" for each in found), found
    return [each.removeprefix(str(folder / "onroll.toml")).removeprefix(", ") for each in found]


def test_a_good_file(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    school = found.schools["milton-park"]
    assert school.rules.limits.disable == Limit(7, 1.5)
    assert school.rules.students.username.text == "{yoe2}{initial}{last}"
    assert school.route.settings.path == str(tmp_path / "export")
    assert school.window.spread == timedelta(minutes=30)
    assert found.store_url == f"sqlite:///{(tmp_path / 'onroll.db').as_posix()}"
    assert found.listen == ("127.0.0.1", 8750)
    rules = found.targets["ad"].rules
    assert rules.owner("department") == "once"
    assert rules.attributes[Role.STUDENT]["department"].text == "{year}"


def test_what_windows_writes_is_read(tmp_path: Path) -> None:
    """Notepad's byte order mark and line ends, and a path with backslashes in single quotation marks."""
    text = "\ufeff" + GOOD.replace('"export"', r"'C:\Exports'").replace("\n", "\r\n")
    (tmp_path / "onroll.toml").write_bytes(text.encode())
    assert settings.load(tmp_path / "onroll.toml").schools["milton-park"].route.settings.path.endswith(r"C:\Exports")


def test_paths_and_secrets_in_files_are_taken_from_the_folder_of_the_file(tmp_path: Path) -> None:
    text = GOOD.replace('server = "embedded:test"', 'server = "ldaps://dc1.school.test"\nuser = "o@school.test"')
    text = text.replace("base =", 'password = "file:secrets/ad"\nca_file = "ca.pem"\nbase =')
    target = load(tmp_path, text).targets["ad"].settings
    assert target.password.reference == f"file:{(tmp_path / 'secrets/ad').as_posix()}"
    assert target.ca_file == str(tmp_path / "ca.pem")
    kept = load(tmp_path, GOOD.replace("embedded:test", "embedded:directory.json")).targets["ad"].settings
    assert kept.server == f"embedded:{(tmp_path / 'directory.json').as_posix()}"


def test_the_file_that_init_writes_is_the_one_in_config_and_can_be_loaded(tmp_path: Path) -> None:
    assert (ROOT / "config" / "onroll.toml").read_text(encoding="utf-8") == sample()
    assert load(tmp_path, sample()).schools["milton-park"].route.module == "onroll_connectors.sources.csv"


def uncommented(mis: str) -> str:
    """The sample with its example keys taken out of their comments, but for what another key there excludes."""
    text = "\n".join(re.sub(r"^# (?=[a-z_]+ = |\[)", "", line) for line in sample(mis).splitlines())
    before, rest = text.split("[school.source]")
    own, after = rest.split("[school.moves_to]")
    _, after = after.split("[school.students]")
    excluded = ("token =", 'client_secret = "env:ONROLL_M365', "route =", "open_to_network", "life_cycle")
    before = "\n".join(line for line in before.splitlines() if not line.startswith(excluded))
    return f"{before}\n[school.source]{own if mis == 'csv' else ''}\n[school.students]{after}"


def test_every_key_of_the_sample_is_one_that_onroll_knows(tmp_path: Path) -> None:
    """And the defaults that it shows are the defaults."""
    (tmp_path / "alert-texts").mkdir()
    found = load(tmp_path, uncommented("csv"))
    rules = found.schools["milton-park"].rules
    assert (rules.limits, rules.sanity) == (Limits(), Sanity())
    assert found.targets.keys() == {"ad", "m365", "google"}
    assert found.schools["milton-park"].route.module.endswith("csv")


@pytest.mark.parametrize("source", kinds("sources"))
def test_the_sample_of_another_mis_shows_its_keys_with_their_defaults(source: str) -> None:
    """Keys with a default are comments; taken out of them, they say what is the case anyway."""
    lines = source_keys(source).splitlines()
    fields = settings_of("sources", source).model_fields
    assert [re.sub(r"^# ", "", line).partition(" =")[0] for line in lines if "=" in line]
    for line in lines:
        assert line.startswith("# ") or " = " in line
        name, _, value = re.sub(r"^# ", "", line).partition(" = ")
        told = tomllib.loads(f"{name} = {value}")[name]
        default = fields[name].get_default(call_default_factory=True, validated_data={})
        if line.startswith("# ") and default is not None:
            assert told == tomllib.loads(f"x = {toml(default)}")["x"]
    assert f"# {source}: see docs/mis/{source}.md" in sample(source) or source == "csv"


def keys(model: type[BaseModel]) -> set[str]:
    inner = {
        each
        for field in model.model_fields.values()
        for each in (field.annotation, *getattr(field.annotation, "__args__", ()))
        if isinstance(each, type) and issubclass(each, BaseModel)
    }
    return set(model.model_fields).union(*(keys(each) for each in inner))


def test_the_sample_explains_every_key_there_is() -> None:
    models = [FileTables, settings_of("sources", "csv")]
    models += [settings_of("targets", each) for each in kinds("targets")]
    missing = {key for model in models for key in keys(model) if not re.search(rf"[\s\[.{{,]{key}(\]| =|\.)", sample())}
    assert missing == set()


@pytest.mark.parametrize("path", sorted((ROOT / "config").rglob("*.toml")), ids=lambda path: path.name)
def test_every_example_loads(path: Path) -> None:
    assert settings.load(path).schools


MISTAKES = [
    ('name = "Milton', 'windw = "19:00-22:00"\nname = "Milton', "line 14: school.windw: there is no such key. Did you mean window?"),
    ("write = [", 'serber = "x"\nwrite = [', "line 6: targets.ad.serber: there is no such key. Did you mean server?"),
    ("write = [", 'owner = { mail = "once" }\nwrite = [', "line 6: targets.ad.owner: there is no such key. Did you mean owners?"),
    ('kind = "active_directory"', 'kind = "active_direcotry"', "line 3: targets.ad.kind: onroll has no kind of target 'active_direcotry'. Did you mean active_directory?"),
    ('kind = "active_directory"', "", "line 2: targets.ad.kind: is missing"),
    ('mis = "csv"', 'mis = "cvs"', "line 16: school.mis: onroll has no MIS 'cvs'. Did you mean csv?"),
    ('mis = "csv"', 'mis = "csv_table"', "onroll has no MIS 'csv_table'"),
    ('mis = "csv"', 'mis = "arbor"\nroute = "wnde"', "line 17: school.route: onroll has no source 'wnde'. Did you mean wonde?"),
    ('targets = ["ad"]', 'targets = ["da"]', "line 17: school.targets: there is no [targets.da] in the file. It may be one of: ad."),
    ('targets = ["ad"]', 'targets = ["ad", "ad"]', "ad is named twice"),
    ('targets = ["ad"]', 'targets = "ad"', 'school.targets: has to be a list, as ["one", "two"].'),
    ('domain = "miltonpark.test"', "", "line 12: school.domain: is missing"),
    ('domain = "miltonpark.test"', 'domain = "milton park"', "line 15: school.domain: 'milton park' is not a domain"),
    ('domain = "miltonpark.test"', 'domain = "@miltonpark.test"', "school.domain: '@miltonpark.test' is not a domain"),
    ('path = "export"', 'path = "export"\ncolumns = { frist = "x" }', "Did you mean first?"),
    ('path = "export"', 'paht = "export"', "line 19: school.source.paht: there is no such key. Did you mean path?"),
    ('id = "milton-park"', 'id = "Milton Park"', "line 13: school.id: 'Milton Park' cannot be a school's id"),
    ('mis = "csv"', 'mis = "csv"\nwindow = "nine"', "line 17: school.window: 'nine' is not a window"),
    ('mis = "csv"', 'mis = "csv"\nwindow = "19:00-25:00"', "is not a window"),
    ('mis = "csv"', 'mis = "csv"\ntimezone = "Europe/Lundon"', "school.timezone: 'Europe/Lundon' is not a time zone"),
    ('mis = "csv"', 'mis = "csv"\nrollover = "31-08"', "school.rollover"),
    ('mis = "csv"', 'mis = "csv"\ncountry = "france"', 'school.country: has to be "england", "wales"'),
    ('mis = "csv"', 'mis = "csv"\nmode = "link"\nlife_cycle = "da"', "school.life_cycle: da is not among the school's targets."),
    ('mis = "csv"', 'mis = "csv"\nmode = "sync"', 'school.mode: has to be "create" or "link".'),
    ('mis = "csv"', 'mis = "csv"\npreferred_names = "yes"', "school.preferred_names: has to be true or false"),
    ('mis = "csv"', 'mis = "csv"\nabsences = 0', "school.absences: has to be at least 1."),
    ("[school.limits]", '[school.students]\nusername = "{initial}{lst}"\n[school.limits]', "line 21: school.students.username: "),
    ("[school.limits]", '[school.students]\nprefix = "toolong"\n[school.limits]', "line 21: school.students.prefix: "),
    ("[school.limits]", '[school.students]\nplace = "{yeo4}"\n[school.limits]', "Did you mean {yoe4}?"),
    ("[school.limits]", '[school.students]\nemail = "{frist}"\n[school.limits]', "line 21: school.students.email: "),
    ("[school.limits]", "[school.pupils]\n[school.limits]", "school.pupils: there is no such key."),
    ('department = "{year}"', 'department = "{yer}"', "line 8: targets.ad.attributes.students.department: {yer} in '{yer}' is not known. Did you mean {year}?"),
    ("[targets.ad.attributes.students]", "[targets.ad.attributes.pupils]", "targets.ad.attributes.pupils: there is no such role."),
    ('department = "once"', 'department = "sometimes"', "line 10: targets.ad.owners.department: 'sometimes' minds nothing: write always, once or never."),
    ('department = "once"', 'display_nam = "once"', "targets.ad.owners.display_nam: onroll writes no such value here. Did you mean display_name?"),
    ("count = 7", 'count = "7"', "line 21: school.limits.disable.count: has to be a whole number"),
    ("count = 7", "count = -7", "school.limits.disable.count: has to be at least 0."),
    ("[[school]]", "[[school]", "cannot be understood"),
    ("Milton Park School\"", "Milton Park School", "cannot be understood"),
    ('"export"', '"C:\\Exports"', "In a path, write /"),
    ("[[school]]", "[school]", "line 12: school: there may be several: write [[school]]"),
    ("[targets.ad]", "[consle]\n[targets.ad]", "line 2: consle: there is no such table. Did you mean console?"),
    ("[targets.ad]", '[console]\nlisten = "0.0.0.0:8750"\n[targets.ad]', "line 3: console.listen: other machines could reach"),
    ("[targets.ad]", '[console]\nlisten = "8750"\n[targets.ad]', "console.listen: '8750' is not an address and a port"),
    ("[targets.ad]", '[store]\nurl = "onroll.db"\n[targets.ad]', "store.url: write sqlite:///onroll.db"),
    ("[targets.ad]", '[store]\nurl = "postgresql://u:Passw0rd@db/x"\n[targets.ad]', "store.url: a password is never written here"),
    ('server = "embedded:test"', 'server = "dc1"', "line 2: targets.ad: server begins with ldaps://"),
    ('server = "embedded:test"', 'server = "ldaps://dc1"\nuser = "a@b"\npassword = "Passw0rd"', "line 6: targets.ad.password: a secret is not written here"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "says"), MISTAKES, ids=[each[2][:60] for each in MISTAKES])
def test_a_mistake_is_a_sentence(tmp_path: Path, before: str, after: str, says: str) -> None:
    assert before in GOOD
    sentences = wrong(tmp_path, GOOD.replace(before, after, 1))
    assert any(says in sentence for sentence in sentences), sentences
    assert not any("Passw0rd" in sentence for sentence in sentences)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = GOOD + SECOND
    for before, after in (
        ('kind = "active_directory"', 'kind = "active_directory"\nserver_name = "x"'),
        ("{year}", "{yer}"),
        ('path = "export"', "path = 3"),
        ("count = 7", "count = -7"),
        ('students = { place = "{school_id}/Students" }', 'students = { place = "{school_id}/{yoe}" }\nwindow = "x"'),
    ):
        assert before in text
        text = text.replace(before, after, 1)
    told = "\n".join(wrong(tmp_path, "[stor]\n" + text))
    for part in ("stor", "server_name", "{yer}", "school.source.path", "count", "{yoe}", "window"):
        assert part in told, told
    assert "(of milton-park)" in told
    assert "(of oakfield)" in told


def test_schools_that_are_in_each_others_way(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD + SECOND).schools.keys() == {"milton-park", "oakfield"}
    same = GOOD[GOOD.index("[[school]]") :]
    assert any("two schools are called milton-park" in each for each in wrong(tmp_path, GOOD + same))
    source = wrong(tmp_path, GOOD + SECOND.replace('"oakfield" }', '"export" }'))
    assert source == [
        "line 29: school.source (of oakfield): oakfield is read from the same source as milton-park, so everybody would get two accounts."
        " Give each its own."
    ]
    places = wrong(tmp_path, GOOD + SECOND.replace("{school_id}/Students", "Students/{yoe4}"))
    assert "oakfield and milton-park put their students into the same place of ad" in places[0]


def test_schools_may_share_places_where_there_are_none(tmp_path: Path) -> None:
    """A tenant of Microsoft 365 has no OUs."""
    text = (
        (GOOD + SECOND)
        .replace('targets = ["ad"]', 'targets = ["m365"]')
        .replace("{school_id}/Students", "Students/{yoe4}")
    )
    tenant = '[targets.m365]\nkind = "microsoft365"\nendpoint = "http://127.0.0.1:1"\ntoken = "env:X"\n'
    assert len(load(tmp_path, tenant + text).schools) == 2


def test_only_the_connectors_in_use_are_imported(tmp_path: Path) -> None:
    (tmp_path / "onroll.toml").write_text(GOOD, encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from onroll_daemon import settings; settings.load(Path('onroll.toml'));"
        "print([name for name in ('ldap3', 'msgraph', 'googleapiclient', 'onroll_connectors.targets.google_workspace',"
        "'onroll_connectors.targets.microsoft365', 'onroll_connectors.sources.wonde') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_where_the_file_is_looked_for(tmp_path: Path) -> None:
    here, named, given = tmp_path / "here", tmp_path / "named.toml", tmp_path / "given"
    for path in (here / "onroll.toml", named, given / "onroll.toml"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(GOOD, encoding="utf-8")
    assert settings.locate(str(given), {"ONROLL_CONFIG": str(named)}, here) == given / "onroll.toml"
    assert settings.locate(None, {"ONROLL_CONFIG": str(named)}, here) == named
    assert settings.locate(None, {}, here) == here / "onroll.toml"
    with pytest.raises(Misconfigured, match="onroll init"):
        settings.locate(str(tmp_path / "nowhere.toml"), {}, here)
    with pytest.raises(Misconfigured, match="ONROLL_CONFIG"):
        settings.locate(None, {"ONROLL_CONFIG": str(tmp_path / "nowhere.toml")}, here)


@pytest.mark.parametrize("content", [b"\xff\xfe[\x00", None, b""])
def test_a_file_that_is_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "onroll.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(Misconfigured, match="onroll.toml"):
        settings.load(path)


def test_choosing_a_mis_is_one_line(tmp_path: Path) -> None:
    told = load(tmp_path, GOOD.replace('mis = "csv"', 'mis = "Integris"')).schools["milton-park"]
    assert (told.route.name, told.route.module, told.waits) == ("integris", "onroll_connectors.sources.csv", False)
    assert told.window.begins.isoformat("minutes") == "23:00"
    told = load(tmp_path, GOOD.replace('mis = "csv"', 'mis = "juniper-horizons"')).schools["milton-park"]
    assert (told.window.begins.hour, told.window.ends.hour, told.waits) == (0, 9, True)
    told = load(tmp_path, GOOD.replace('mis = "csv"', 'mis = "csv"\nwindow = "20:00-21:00"')).schools["milton-park"]
    assert (told.window.begins.hour, told.window.ends.hour) == (20, 21)


def test_a_route_takes_the_place_of_the_mis_own(tmp_path: Path) -> None:
    wonde = GOOD.replace('mis = "csv"', 'mis = "integris"\nroute = "wonde"')
    wonde = wonde.replace('path = "export"', 'school = "A1930499544"\ntoken = "env:ONROLL_TEST_WONDE"')
    told = load(tmp_path, wonde).schools["milton-park"]
    assert (told.route.name, told.route.module) == ("integris over wonde", "onroll_connectors.sources.wonde")
    (sentence,) = wrong(tmp_path, GOOD.replace('mis = "csv"', 'mis = "integris"\nroute = "wond"'))
    assert "school.route" in sentence
    assert "Did you mean wonde?" in sentence


def test_a_nights_feed_is_waited_for_until_the_last_hour() -> None:
    window = Window.parse("00:00-09:00", "Europe/London")
    hours = window.next_opening(datetime(2026, 11, 24, 12, tzinfo=UTC))
    assert feed_awaited(window, Attempt(hours.opens, hours.closes)) == hours.opens
    assert feed_awaited(window, Attempt(hours.closes - timedelta(minutes=61), hours.closes)) == hours.opens
    assert feed_awaited(window, Attempt(hours.closes - timedelta(minutes=60), hours.closes)) is None


GROUPS = """
[school.groups]
teaching = "{school_id} {name}"
terms = [["2027-01-05", "2027-03-26"], ["2026-09-02", "2026-12-18"]]
shrink = { count = 9, percent = 10 }
"""


def test_groups_are_named_and_kept_as_the_school_says(tmp_path: Path) -> None:
    told = load(
        tmp_path,
        GOOD.replace('write = ["department"]', 'write = ["department"]\ngroups = ["year", "teaching"]') + GROUPS,
    )
    rules = told.schools["milton-park"].rules.groups
    assert rules.names[GroupKind.TEACHING].render({"school_id": "mp", "name": "7A/Ma1"}) == "mp 7A/Ma1"
    assert (rules.in_term(date(2026, 12, 18)), rules.in_term(date(2026, 12, 19))) == (True, False)
    assert (rules.terms[0].begins, rules.shrink) == (date(2026, 9, 2), Limit(9, 10))
    assert told.targets["ad"].rules.groups == {GroupKind.YEAR, GroupKind.TEACHING}


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('"{school_id} {name}"', '"{school_id}"', "school.groups.teaching: '{school_id}' would call every group the same"),
        ('["2027-01-05", "2027-03-26"]', '["2027-01-05"]', "is not a term"),
        ('["2027-01-05", "2027-03-26"]', '["2027-03-26", "2027-01-05"]', "a term cannot end on 2027-01-05"),
        ('write = ["department"]', 'write = ["department"]\ngroups = ["years"]', "'years' is no kind of group. Did you mean year?"),
    ],
)  # fmt: skip
def test_a_mistake_about_groups_is_a_sentence(tmp_path: Path, before: str, after: str, says: str) -> None:
    assert any(says in sentence for sentence in wrong(tmp_path, (GOOD + GROUPS).replace(before, after, 1)))


class Odd(BaseModel):
    """Settings of a connector that ask for what no file can hold."""

    model_config = ConfigDict(strict=True)
    kind: GroupKind


def test_no_mistake_is_swallowed_whatever_kind_it_is_of() -> None:
    mistakes = Mistakes(Path("onroll.toml"), {}, {})
    assert mistakes.model(Odd, {"kind": "year"}, ("targets", "m365")) is None
    assert mistakes.sentences == [
        "onroll.toml: targets.m365: cannot be understood: Input should be an instance of GroupKind."
    ]


def test_what_groups_are_made_as_in_microsoft_365_is_understood(tmp_path: Path) -> None:
    m365 = '\n[targets.m365]\nkind = "microsoft365"\nendpoint = "http://127.0.0.1:1"\ntoken = "env:X"\n'
    told = load(tmp_path, f'{GOOD}{m365}groups_as = {{ year = "security", teaching = "team" }}\n')
    assert told.targets["m365"].settings.groups_as == {"year": "security", "teaching": "team"}
    (sentence,) = wrong(tmp_path, f'{GOOD}{m365}groups_as = {{ teaching = "course" }}\n')
    assert 'has to be "security", "microsoft365", "class" or "team".' in sentence
