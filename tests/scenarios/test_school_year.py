"""A school's year in sentences, on a real domain controller and on both clouds."""

from __future__ import annotations

from pathlib import Path

from samba import Samba
from school_year import school_year


def test_a_class_follows_the_timetable(samba: Samba, tmp_path: Path) -> None:
    with school_year(tmp_path, 60, samba) as year:
        year.groups("year", "registration", "teaching")
        year.night("first night")
        year.nothing_to_do()
        zofia = year.school.joins("Zofia", "Wiśniewska", 9)
        year.night("a joiner")
        assert set(year.enabled("18zwisniewska").values()) == {True}
        groups = year.ad.value("18zwisniewska", "memberOf")
        assert any(f"CN=Milton Park School {zofia.form}," in each for each in groups)
        year.nothing_to_do()
