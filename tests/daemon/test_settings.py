"""onroll.toml: what is right is understood, and every mistake is a sentence that names file, key and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onroll_core.people import Role
from onroll_core.rules import Limit
from onroll_daemon import settings
from onroll_daemon.settings import Misconfigured
from onroll_daemon.wiring import sample

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


def load(folder: Path, text: str) -> settings.Settings:
    path = folder / "onroll.toml"
    path.write_text(text, encoding="utf-8")
    return settings.load(path)


def wrong(folder: Path, text: str) -> list[str]:
    with pytest.raises(Misconfigured) as refused:
        load(folder, text)
    assert all("onroll.toml" in sentence for sentence in refused.value.sentences)
    return refused.value.sentences


def test_a_good_file(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    school = found.schools["milton-park"]
    assert school.rules.limits.disable == Limit(7, 1.5)
    assert school.rules.students.username.text == "{yoe2}{initial}{last}"
    assert school.source.path == str(tmp_path / "export")
    assert found.store_url == f"sqlite:///{(tmp_path / 'onroll.db').as_posix()}"
    rules = found.targets["ad"].rules
    assert rules.owner("department") == "once"
    assert rules.attributes[Role.STUDENT]["department"].text == "{year}"


def test_the_file_that_init_writes_can_be_loaded(tmp_path: Path) -> None:
    assert load(tmp_path, sample()).schools["milton-park"].module.endswith(".csv")


def test_every_line_of_the_sample_that_is_commented_out_is_a_known_key(tmp_path: Path) -> None:
    """The targets and the optional keys, taken out of their comments, load too."""
    lines = []
    for line in sample().splitlines():
        bare = re.sub(r"^# (?=[a-z_]+ = |\[)", "", line)
        lines.append(bare)
    text = "\n".join(lines)
    for other in (
        "# -- wonde",
        'school = "A1930499544"',
        'token = "env:ONROLL_WONDE_TOKEN"',
        "endpoint",
        "per_page",
        "groups = true",
        "group_types",
    ):
        text = "\n".join(line for line in text.splitlines() if not line.startswith(other))
    assert set(load(tmp_path, text).targets) == {"ad", "m365", "google"}


def test_the_examples_can_be_loaded() -> None:
    examples = sorted((Path(__file__).parents[2] / "config").glob("**/*.toml"))
    assert examples
    for path in examples:
        assert settings.load(path).schools


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (
            'name = "Milton',
            'windw = "19:00-22:00"\nname = "Milton',
            "windw is not a key that onroll knows. Did you mean window?",
        ),
        (
            "write = [",
            'serber = "x"\nwrite = [',
            "targets.ad.serber is not a key that onroll knows. Did you mean server?",
        ),
        ('kind = "active_directory"', 'kind = "active_direcotry"', "Did you mean active_directory?"),
        ('mis = "csv"', 'mis = "cvs"', "Did you mean csv?"),
        ('mis = "csv"', 'mis = "csv_table"', "is not a source"),
        ('targets = ["ad"]', 'targets = ["da"]', "the target da is not in the file"),
        ('domain = "miltonpark.test"', "", "school.0.domain is missing"),
        ('domain = "miltonpark.test"', 'domain = "milton park"', "is not a domain"),
        ('path = "export"', 'path = "export"\ncolumns = { frist = "x" }', "Did you mean first?"),
        ('id = "milton-park"', 'id = "Milton Park"', "school.0.id"),
        ('mis = "csv"', 'mis = "csv"\nwindow = "nine"', "is not a window"),
        ('mis = "csv"', 'mis = "csv"\ncountry = "france"', "country"),
        ('mis = "csv"', 'mis = "csv"\nmode = "link"', "mode"),
        ("[school.limits]", '[school.students]\nusername = "{initial}{lst}"\n[school.limits]', "Did you mean {last}?"),
        ("[school.limits]", '[school.students]\nplace = "{yeo4}"\n[school.limits]', "Did you mean {yoe4}?"),
        ('department = "{year}"', 'department = "{yer}"', "Did you mean {year}?"),
        ('department = "once"', 'department = "sometimes"', "write always, once or never"),
        ("count = 7", 'count = "7"', "school.0.limits.disable.count"),
        ("count = 7", "count = -7", "school.0.limits.disable.count"),
        ("[[school]]", "[[school]", "not valid TOML"),
        ("[[school]]", "[schol]", "schol is not a key that onroll knows. Did you mean school?"),
        ('server = "embedded:test"', 'server = "dc1"', "ldaps://"),
        (
            'server = "embedded:test"',
            'server = "ldaps://dc1"\nuser = "a@b"\npassword = "Passw0rd"',
            "a secret is not written here",
        ),
    ],
)
def test_a_mistake_is_a_sentence(tmp_path: Path, before: str, after: str, says: str) -> None:
    assert before in GOOD
    sentences = wrong(tmp_path, GOOD.replace(before, after, 1))
    assert any(says in sentence for sentence in sentences), sentences
    assert not any("Passw0rd" in sentence for sentence in sentences)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('kind = "active_directory"', 'kind = "x"').replace('mis = "csv"', 'mis = "y"')
    assert len(wrong(tmp_path, text)) >= 2


def test_two_schools_of_one_id(tmp_path: Path) -> None:
    school = GOOD[GOOD.index("[[school]]") :]
    assert any("two schools are called milton-park" in sentence for sentence in wrong(tmp_path, GOOD + school))


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="onroll init"):
        settings.locate(str(tmp_path / "nowhere.toml"), {})
    path = tmp_path / "here.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert settings.locate(None, {"ONROLL_CONFIG": str(path)}) == path
