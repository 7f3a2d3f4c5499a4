"""Milton Park's roster as files: OneRoster 1.1 and 1.2 in bulk, and Microsoft School Data Sync's v1, its UK variant and v2.1; a folder or a zip."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onroll_connectors.sandbox.oneroster import SCHOOL, OneRoster
from onroll_connectors.sandbox.school import School
from onroll_connectors.sandbox.stages import Built

_COMMON = ("sourcedId", "status", "dateLastModified")
_HEADERS: Mapping[str, Mapping[str, str]] = {
    "1.1": {
        "users": "enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password",
        "orgs": "name,type,identifier,parentSourcedId",
        "classes": "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
        "enrollments": "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
        "academicSessions": "title,type,startDate,endDate,parentSourcedId,schoolYear",
    },
    "1.2": {
        "users": "enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,"
        "preferredGivenName,preferredMiddleName,preferredFamilyName,primaryOrgSourcedId,pronouns",
        "roles": "userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId",
    },
}  # fmt: skip


@dataclass(slots=True)
class Files:
    """The files of one school in `folder`, in one format; `zipped` puts them into one zip. Whoever has left is in no bulk file."""

    school: School
    folder: Path
    form: str = "1.2"
    zipped: bool = False

    def write(self) -> None:
        """Every file, in place of the last night's."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in [*self.folder.glob("*.csv"), *self.folder.glob("*.zip")]:
            old.unlink()
        files = (
            self._sds_v1()
            if self.form.startswith("sds_v1")
            else self._sds_v2()
            if self.form == "sds_v2.1"
            else self._oneroster()
        )
        if self.zipped:
            with zipfile.ZipFile(self.folder / "roster.zip", "w", zipfile.ZIP_DEFLATED) as archive:
                for name, body in files.items():
                    archive.writestr(name, body)
            return
        for name, body in files.items():
            (self.folder / name).write_bytes(body)

    def _here(self) -> list[dict[str, Any]]:
        server = OneRoster(self.school, "1.1" if self.form == "1.1" or self.form.startswith("sds") else "1.2")
        return [row for row in server.users() if row["status"] == "active"]

    def _oneroster(self) -> dict[str, bytes]:
        server, users = OneRoster(self.school, self.form), self._here()
        rows: dict[str, list[dict[str, str]]] = {"users": [_user(row) for row in users]}
        if self.form == "1.2":
            rows["roles"] = [
                {"sourcedId": f"r-{row['sourcedId']}-{n}", "userSourcedId": row["sourcedId"], **{k: str(v) for k, v in part.items() if k != "org"}, "orgSourcedId": part["org"]["sourcedId"]}
                for row in users
                for n, part in enumerate(row["roles"])
            ]  # fmt: skip
        here = {row["sourcedId"] for row in users}
        rows["orgs"] = [
            {
                "sourcedId": row["sourcedId"],
                "name": row["name"],
                "type": row["type"],
                "identifier": row.get("identifier", ""),
            }
            for row in server.orgs()
        ]
        rows["academicSessions"] = [
            {name: str(value) for name, value in row.items() if name not in ("status", "dateLastModified")}
            for row in server.sessions()
        ]
        rows["classes"] = [
            {"sourcedId": row["sourcedId"], "title": row["title"], "classType": row["classType"], "courseSourcedId": row["course"]["sourcedId"], "schoolSourcedId": SCHOOL,
             "termSourcedIds": ",".join(each["sourcedId"] for each in row["terms"])}
            for row in server.classes()
        ]  # fmt: skip
        rows["enrollments"] = [
            {"sourcedId": row["sourcedId"], "classSourcedId": row["class"]["sourcedId"], "schoolSourcedId": SCHOOL, "userSourcedId": row["user"]["sourcedId"], "role": row["role"],
             "primary": row["primary"]}
            for row in server.enrolments()
            if row["user"]["sourcedId"] in here
        ]  # fmt: skip
        headers = {**_HEADERS["1.1"], **(_HEADERS["1.2"] if self.form == "1.2" else {})}
        files = {f"{name}.csv": _csv([*_COMMON, *headers[name].split(",")], told) for name, told in rows.items()}
        manifest = [
            ("manifest.version", "1.0"),
            ("oneroster.version", self.form),
            *((f"file.{name}", "bulk") for name in rows),
            ("file.demographics", "absent"),
        ]
        files["manifest.csv"] = _csv(
            ["propertyName", "value"], [dict(zip(("propertyName", "value"), pair, strict=True)) for pair in manifest]
        )
        return files

    def _sds_v2(self) -> dict[str, bytes]:
        server, users = OneRoster(self.school, "1.1"), self._here()
        people = [row for row in users if row["role"] != "guardian"]
        here = {row["sourcedId"] for row in people}
        taught = [row for row in server.classes() if row["classType"] == "scheduled" and row["sourcedId"] != "g-old"]
        names = {row["sourcedId"] for row in taught}
        return {
            "orgs.csv": _csv("sourcedId,name,type,parentSourcedId".split(","), [{"sourcedId": SCHOOL, "name": self.school.name, "type": "school"}]),
            "users.csv": _csv("sourcedId,username,givenName,familyName,password,activeDirectoryMatchId,email,phone,sms".split(","), [_user(row) for row in people]),
            "roles.csv": _csv(
                "userSourcedId,orgSourcedId,role,sessionSourcedId,grade,isPrimary,roleStartDate,roleEndDate".split(","),
                [{"userSourcedId": row["sourcedId"], "orgSourcedId": SCHOOL, "role": row["role"], "grade": (row.get("grades") or [""])[0], "isPrimary": "TRUE"} for row in people],
            ),
            "classes.csv": _csv("sourcedId,orgSourcedId,title,sessionSourcedIds,courseSourcedId".split(","), [{"sourcedId": row["sourcedId"], "orgSourcedId": SCHOOL, "title": row["title"]} for row in taught]),
            "enrollments.csv": _csv(
                "classSourcedId,userSourcedId,role".split(","),
                [
                    {"classSourcedId": row["class"]["sourcedId"], "userSourcedId": row["user"]["sourcedId"], "role": row["role"]}
                    for row in server.enrolments()
                    if row["user"]["sourcedId"] in here and row["class"]["sourcedId"] in names
                ],
            ),
        }  # fmt: skip

    def _sds_v1(self) -> dict[str, bytes]:
        uk = self.form == "sds_v1_uk"
        ident, school, section = (
            ("ID", "School DfE Number", "Section ID") if uk else ("SIS ID", "School SIS ID", "Section SIS ID")
        )
        there = OneRoster(self.school, "1.1").there()
        working = [
            each
            for each in self.school.staff.values()
            if each.starts <= self.school.today and not (each.ends and each.ends < self.school.today)
        ]
        pupils, staff = {each.number for each in there}, {each.number for each in working}
        lessons = list(self.school.classes.values())
        return {
            "School.csv": _csv(["DfE Number" if uk else "SIS ID", "Name", "Phone"], [{"DfE Number" if uk else "SIS ID": "9994001", "Name": self.school.name}]),
            "Student.csv": _csv(
                [ident, school, "First Name", "Last Name", "Username", "Password", "State ID", "Student Number", "Grade", "Status", "Birthdate"],
                [
                    {ident: str(each.number), school: "9994001", "First Name": each.first, "Last Name": each.last, "Username": f"p{each.number}", "State ID": each.upn,
                     "Student Number": each.admission_number, "Grade": str(each.year), "Status": "Active"}
                    for each in there
                ],
            ),
            "Teacher.csv": _csv(
                [ident, school, "First Name", "Last Name", "Username", "Password", "Teacher Number", "Status"],
                [{ident: str(each.number), school: "9994001", "First Name": each.first, "Last Name": each.last, "Username": each.code, "Teacher Number": each.code, "Status": "Active"} for each in working],
            ),
            "Section.csv": _csv([ident, school, "Section Name"], [{ident: str(each.number), school: "9994001", "Section Name": each.name} for each in lessons]),
            "StudentEnrollment.csv": _csv([section, ident], [{section: str(each.number), ident: str(n)} for each in lessons for n in each.pupils if n in pupils]),
            "TeacherRoster.csv": _csv([section, ident], [{section: str(each.number), ident: str(n)} for each in lessons for n in each.teachers if n in staff]),
        }  # fmt: skip


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park's roster as files; see `stages`."""
    place = folder / "roster"
    lines = f"path = {place.as_posix()!r}\nquiet_seconds = 0\nmax_age_days = 0"
    return Built(lambda url: lines, refresh=Files(school, place).write)


def _user(row: Mapping[str, Any]) -> dict[str, str]:
    told = {
        name: "" if row.get(name) is None else str(row[name])
        for name in ("sourcedId", "enabledUser", "username", "givenName", "familyName", "identifier", "email", "role")
    }
    return told | {
        "orgSourcedIds": ",".join(each["sourcedId"] for each in row.get("orgs", ())),
        "userIds": ",".join(f"{{{each['type']}:{each['identifier']}}}" for each in row.get("userIds", ())),
        "grades": ",".join(row.get("grades", ())),
        "agentSourcedIds": ",".join(each["sourcedId"] for each in row.get("agents", ())),
        "preferredGivenName": row.get("preferredFirstName") or "",
        "preferredFamilyName": row.get("preferredLastName") or "",
    }


def _csv(header: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, header, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8-sig")
