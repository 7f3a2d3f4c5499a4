"""A simulator of Bromcom's SOAP read-only service in front of Milton Park: entities ticked for an account, predicates of T-SQL, ADO.NET data sets.

Null columns are left out of rows, and there is no NewDataSet when there are no rows. What it says to wrong credentials, or of an entity that is not
ticked, is not public: it can fault, send no data set, or send a row with a message.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from onroll_connectors.safe_xml import parse
from onroll_connectors.sandbox.bromcom_filter import Refused, compiled
from onroll_connectors.sandbox.bromcom_tables import Row, Tables, padded
from onroll_connectors.sandbox.school import School
from onroll_connectors.sandbox.serving import Request, Response
from onroll_connectors.sandbox.stages import Built
from onroll_core.errors import OnrollError

USER, PASSWORD, TOKEN, SCHOOL = "tpuser", "a-third-party's-password", "a-demo-password", 20001
PATH = "/Nucleus/WebServices/ThirdParty/TPReadOnlyDataService.asmx"
_ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>{}</soap:Body></soap:Envelope>'
)
_TYPES: Mapping[type, str] = {int: "xs:int", date: "xs:dateTime", str: "xs:string", bool: "xs:boolean"}
_COLUMNS: Mapping[str, Mapping[str, type]] = {
    "Students": {
        "StudentID": int, "UPN": str, "FirstName": str, "LastName": str, "MiddleName": str, "PreferredFirstName": str, "PreferredLastName": str,
        "AdmissionNumber": str, "TutorGroup": str, "YearGroup": str, "ChronologicalYearGroup": str, "DateOfBirth": date, "StartDate": date,
        "EndDate": date,
    },
    "Staff": {
        "StaffID": int, "FirstName": str, "LastName": str, "MiddleName": str, "PreferredFullName": str, "StaffCode": str, "StartDate": date,
        "EndDate": date,
    },
    "CollectionAssociates": {"PersonID": int, "CollectionID": int, "StartDate": date, "EndDate": date},
    "Collections": {"CollectionID": int, "CollectionName": str},
    "CollectionExecutives": {
        "StaffID": int, "CollectionID": int, "CollectionRoleTypeDescription": str, "StartDate": date, "EndDate": date,
    },
    "SubjectClasses": {"ClassID": int, "ClassDescription": str, "SubjectDescription": str, "StartDate": date, "EndDate": date},
    "HouseClasses": {"ClassID": int, "ClassDescription": str, "StartDate": date, "EndDate": date},
    "StudentContacts": {"StudentID": int, "ContactID": int, "FirstName": str, "LastName": str},
}  # fmt: skip


@dataclass(slots=True)
class BromcomSoap:
    """One school; an application for `serving.serve`. `ticked` are the entities that the account may read.

    `refuses` is how it says no: "fault", "no data set" or "message row". `fault`: "", "empty", "no staff", "deaf" (predicates are not heard), "server"
    (a fault that is nobody's), "lost row" or "silent" (entities that are not ticked are empty, and listed all the same).
    """

    tables: Tables
    ticked: frozenset[str] = frozenset(_COLUMNS)
    refuses: str = "fault"
    fault: str = ""
    schema: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def school(self) -> School:
        """The school behind it."""
        return self.tables.school

    def __call__(self, request: Request) -> Response:
        """Answer one request."""
        with self.lock:
            if request.method != "POST" or request.path != PATH:
                return Response(404, b"<html>The resource cannot be found.</html>", {"Content-Type": "text/html"})
            return self._answer(request)

    def _answer(self, request: Request) -> Response:
        try:
            call = parse(request.body, "a client")[0][0]
        except (OnrollError, IndexError):
            return _fault("Sender", "Server was unable to read request.")
        function = call.tag.removeprefix("{http://tempuri.org/}")
        told = {str(each.tag).removeprefix("{http://tempuri.org/}"): each.text or "" for each in call}
        action = f'action="http://tempuri.org/{function}"'
        if action not in request.headers.get("content-type", "") or not _complete(function, call, told):
            return _fault("Sender", "Server did not recognize the value of HTTP Header SOAPAction.")
        if self.fault == "server":
            return _fault("Receiver", "Server was unable to process request. ---> Timeout expired.")
        known = (told["username"], told["password"]) in ((USER, PASSWORD), ("onroll", TOKEN))
        if not known or told["schoolID"] != str(SCHOOL):
            return self._refused(function, f"Login failed for user {told['username']} with {told['password']}")
        if function == "findEntitiesBySchoolID":
            listed = _COLUMNS if self.fault == "silent" else self.ticked
            return self._set(function, {"EntityName": str}, [{"EntityName": padded(each)} for each in sorted(listed)])
        return self._entity(function, told["entityName"], told["entityFilter"])

    def _entity(self, function: str, asked: str, where: str) -> Response:
        entity = next((each for each in _COLUMNS if each.lower() == asked.lower()), "")
        self.asked.append((entity, where))
        columns = _COLUMNS.get(entity, {})
        if entity not in self.ticked:
            return (
                self._set(function, columns, [])
                if self.fault == "silent"
                else self._refused(function, f"No permission for {asked}")
            )
        try:
            heard = compiled(
                "" if self.fault == "deaf" and where != "1=0" else where, list(columns), self.school.today, sql=True
            )
        except Refused as refusal:
            return _fault("Receiver", f"Server was unable to process request. ---> {refusal}")
        nobody = self.fault == "empty" or (self.fault == "no staff" and entity == "Staff")
        return self._set(function, columns, [] if nobody else [row for row in self._rows()[entity]() if heard(row)])

    def _rows(self) -> Mapping[str, Callable[[], Iterator[Row]]]:
        return {
            "Students": self._students, "Staff": self._staff, "CollectionAssociates": self._associates, "Collections": self._collections,
            "CollectionExecutives": self._executives, "SubjectClasses": self._classes, "HouseClasses": self._houses, "StudentContacts": self._contacts,
        }  # fmt: skip

    def _students(self) -> Iterator[Row]:
        for pupil, starts, ends in self.tables.pupils():
            yield {
                "StudentID": pupil.number, "UPN": pupil.upn, "FirstName": padded(pupil.legal_first), "LastName": padded(pupil.legal_last),
                "PreferredFirstName": padded(pupil.first), "PreferredLastName": padded(pupil.last), "AdmissionNumber": pupil.admission_number,
                "TutorGroup": padded(pupil.form), "YearGroup": padded(str(pupil.year)), "ChronologicalYearGroup": str(pupil.year),
                "DateOfBirth": pupil.born, "StartDate": starts, "EndDate": ends,
            }  # fmt: skip

    def _staff(self) -> Iterator[Row]:
        for person, (first, last), code in self.tables.staff():
            yield {
                "StaffID": person.number, "FirstName": padded(person.first), "LastName": padded(person.last),
                "PreferredFullName": padded(f"{person.title} {first} {last}"), "StaffCode": padded(code), "StartDate": person.starts,
                "EndDate": person.ends,
            }  # fmt: skip

    def _associates(self) -> Iterator[Row]:
        for person, collection, _name, starts, ends in self.tables.associates():
            yield {"PersonID": person, "CollectionID": collection, "StartDate": starts, "EndDate": ends}

    def _collections(self) -> Iterator[Row]:
        for number, name in self.tables.collections().values():
            yield {"CollectionID": number, "CollectionName": padded(name)}
        for lesson, name, _starts, _ends in self.tables.lessons():
            yield {"CollectionID": lesson.number, "CollectionName": padded(name)}

    def _executives(self) -> Iterator[Row]:
        for person, collection, role, starts, ends in self.tables.leads():
            yield {
                "StaffID": person, "CollectionID": collection, "CollectionRoleTypeDescription": padded(role), "StartDate": starts, "EndDate": ends,
            }  # fmt: skip

    def _classes(self) -> Iterator[Row]:
        for lesson, name, starts, ends in self.tables.lessons():
            yield {
                "ClassID": lesson.number, "ClassDescription": padded(name), "SubjectDescription": "Subject   ", "StartDate": starts, "EndDate": ends,
            }  # fmt: skip

    def _houses(self) -> Iterator[Row]:
        starts, _, _ = self.tables.year()
        for kind, (number, name) in self.tables.collections().items():
            if kind.startswith("house:"):
                yield {"ClassID": number, "ClassDescription": padded(name), "StartDate": starts, "EndDate": None}

    def _contacts(self) -> Iterator[Row]:
        for child, contacts in self.tables.contacts().items():
            for each in contacts:
                yield {
                    "StudentID": child,
                    "ContactID": each.number,
                    "FirstName": padded(each.first),
                    "LastName": padded(each.last),
                }

    def _set(self, function: str, columns: Mapping[str, type], rows: list[Row]) -> Response:
        """An ADO.NET data set: its schema, and a diffgram with the rows."""
        texts = ["".join(_cell(*each) for each in row.items()) for row in rows]
        shown = "".join(
            f'<Table diffgr:id="Table{place + 1}" msdata:rowOrder="{place}">{text}</Table>'
            for place, text in enumerate(texts)
            if not (self.fault == "lost row" and place == 1)
        )
        listed = "".join(
            f'<xs:element name="{name}" type="{_TYPES[kind]}" minOccurs="0" />' for name, kind in columns.items()
        )
        schema = (
            '<xs:schema id="NewDataSet" xmlns="" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:msdata="urn:schemas-microsoft-com:xml-msdata">'
            '<xs:element name="NewDataSet" msdata:IsDataSet="true" msdata:UseCurrentLocale="true"><xs:complexType><xs:choice minOccurs="0"'
            f' maxOccurs="unbounded"><xs:element name="Table"><xs:complexType><xs:sequence>{listed}</xs:sequence></xs:complexType></xs:element>'
            "</xs:choice></xs:complexType></xs:element></xs:schema>"
        )
        data = f'<NewDataSet xmlns="">{shown}</NewDataSet>' if shown else ""
        gram = (
            '<diffgr:diffgram xmlns:msdata="urn:schemas-microsoft-com:xml-msdata" xmlns:diffgr="urn:schemas-microsoft-com:xml-diffgram-v1">'
            f"{data}</diffgr:diffgram>"
        )
        return _answered(function, (schema if self.schema else "") + gram)

    def _refused(self, function: str, why: str) -> Response:
        if self.refuses == "no data set":
            return _answered(function, "")
        if self.refuses == "message row":
            return self._set(function, {"Message": str}, [{"Message": why}])
        return _fault("Receiver", f"System.Web.Services.Protocols.SoapException: {why}")


def _complete(function: str, call: Element, told: Mapping[str, str]) -> bool:
    wanted = {
        "findEntitiesBySchoolID": {"schoolID", "username", "password"},
        "getEntityDataBySchoolID": {"schoolID", "entityName", "entityFilter", "username", "password"},
    }.get(function)
    return call.tag.startswith("{http://tempuri.org/}") and set(told) == wanted


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return f"<{name}>{value.isoformat()}T00:00:00{'+01:00' if 4 <= value.month < 11 else '+00:00'}</{name}>"
    return f"<{name}>{escape(str(value))}</{name}>"


def _answered(function: str, result: str) -> Response:
    inner = f'<{function}Response xmlns="http://tempuri.org/"><{function}Result>{result}</{function}Result></{function}Response>'
    return Response(200, _ENVELOPE.format(inner).encode(), {"Content-Type": "application/soap+xml; charset=utf-8"})


def _fault(code: str, text: str) -> Response:
    inner = (
        f'<soap:Fault><soap:Code><soap:Value>soap:{code}</soap:Value></soap:Code><soap:Reason><soap:Text xml:lang="en">{escape(text)}</soap:Text>'
        "</soap:Reason><soap:Detail /></soap:Fault>"
    )
    status = 500 if code == "Receiver" else 400
    return Response(status, _ENVELOPE.format(inner).encode(), {"Content-Type": "application/soap+xml; charset=utf-8"})


def staged(school: School, folder: Path, preset: str | None) -> Built:
    """Milton Park behind Bromcom's SOAP service; see `stages`."""
    return Built(
        lambda url: f'school = {SCHOOL}\ntoken = "env:ONROLL_DEMO_MIS"\nendpoint = "{url}{PATH}"',
        BromcomSoap(Tables(school)),
        {"ONROLL_DEMO_MIS": TOKEN},
    )
