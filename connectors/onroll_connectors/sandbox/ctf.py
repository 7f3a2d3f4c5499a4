"""Milton Park in a Common Transfer File, with its staff in a CSV beside it: names in capitals, sensitive elements and all, as systems write them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from xml.sax.saxutils import escape

from onroll_connectors.sandbox.school import Contact, Pupil, School
from onroll_connectors.sandbox.stages import Built

DFE = "9994001"


@dataclass(slots=True)
class Files:
    """The files of one school in `folder`; `capitals` writes legal names as some systems do, `qualifier` is full or partial."""

    school: School
    folder: Path
    capitals: bool = False
    qualifier: str = "full"
    version: str = "26.0"

    def write(self) -> None:
        """The CTF and the list of staff, in place of the last night's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{DFE}_CTF_{DFE}_001.xml").write_text(self._ctf(), encoding="utf-8")
        (self.folder / "staff.csv").write_text(self._staff(), encoding="utf-8", newline="")

    def _there(self) -> list[Pupil]:
        today = self.school.today
        return [
            each
            for _, each in sorted(self.school.pupils.items())
            if each.status == "on roll" and not (each.ends is not None and each.ends < today)
        ]

    def _ctf(self) -> str:
        today = self.school.today
        year = today.year if today.month >= 9 else today.year - 1
        place = "<LEA>999</LEA><Estab>4001</Estab>"
        contacts: dict[int, list[Contact]] = {}
        for contact in self.school.contacts.values():
            for child in contact.children:
                contacts.setdefault(child, []).append(contact)
        pupils = "\n".join(self._pupil(each, contacts.get(each.number, [])) for each in self._there())
        return f"""<?xml version="1.0" encoding="utf-8"?>
<CTfile>
<Header><DocumentName>Common Transfer File</DocumentName><CTFversion>{self.version}</CTFversion><DateTime>{datetime.combine(today, time(9, 12)).isoformat()}</DateTime>
<DocumentQualifier>{self.qualifier}</DocumentQualifier><SupplierID>sandbox</SupplierID>
<SourceSchool>{place}<URN>999999</URN><SchoolName>{escape(self.school.name)}</SchoolName><AcademicYear>{year}</AcademicYear></SourceSchool>
<DestSchool>{place}</DestSchool></Header>
<CTFpupilData>
{pupils}
</CTFpupilData>
</CTfile>
"""

    def _pupil(self, pupil: Pupil, contacts: list[Contact]) -> str:
        first, last = pupil.legal_first, pupil.legal_last
        if self.capitals:
            first, last = first.upper(), last.upper()
        people = "".join(
            f"<Contact><Order>{n}</Order><Title>{each.title}</Title><Surname>{escape(each.last)}</Surname><Forename>{escape(each.first)}</Forename>"
            "<Phones><Phone><PhoneNo>01632 960001</PhoneNo></Phone></Phones></Contact>"
            for n, each in enumerate(contacts, start=1)
        )
        return (
            f"<Pupil><UPN>{pupil.upn}</UPN><Surname>{escape(last)}</Surname><Forename>{escape(first)} </Forename><DOB>{pupil.born}</DOB><Sex>F</Sex>"
            f"<BasicDetails><PreferredSurname>{escape(pupil.last)}</PreferredSurname><PreferredForename>{escape(pupil.first)}</PreferredForename>"
            f"<NCyearActual>{pupil.year}</NCyearActual><Ethnicity>NOBT</Ethnicity><EnrolStatus>C</EnrolStatus><MedicalFlag>false</MedicalFlag></BasicDetails>"
            f"<SENhistory><SEN><SENprovision>N</SENprovision></SEN></SENhistory><Contacts>{people}</Contacts></Pupil>"
        )

    def _staff(self) -> str:
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(["Staff ID", "Staff Code", "Preferred Forename", "Preferred Surname", "Start Date", "End Date"])
        for number, each in sorted(self.school.staff.items()):
            writer.writerow(
                [
                    number,
                    each.code,
                    each.first,
                    each.last,
                    each.starts.isoformat(),
                    "" if each.ends is None else each.ends.isoformat(),
                ]
            )
        return out.getvalue()


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park's CTF; see `stages`."""
    place = folder / "ctf"
    lines = f"path = {place.as_posix()!r}\nstaff = {(place / 'staff.csv').as_posix()!r}\nquiet_seconds = 0"
    return Built(lambda url: lines, refresh=Files(school, place).write)
