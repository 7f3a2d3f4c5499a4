"""Bromcom's SOAP third-party service: one call an entity, answered with an ADO.NET data set; what has none is a failure, never "no rows"."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from onroll_connectors.http import Client
from onroll_connectors.sources.bromcom_rows import Row
from onroll_core.contracts import Context
from onroll_core.errors import Halt, Unavailable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SPACE = "http://tempuri.org/"
_SCHEMA = "{http://www.w3.org/2001/XMLSchema}element"
_ROW_ORDER = "{urn:schemas-microsoft-com:xml-msdata}rowOrder"
_RIGHTS = re.compile(
    r"log ?(?:in|on)|password|user ?name|credential|authori[sz]|authenticat|permission|access|denied|not allowed|licen[cs]e",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Table:
    """What one call gave: the columns that the answer's own schema names, in lower case (none where it has no schema), and the rows."""

    entity: str
    columns: Collection[str]
    rows: Collection[Row]

    def needs(self, *names: str) -> None:
        """Raises Halt when a column of these is not told of. Null columns are left out of rows, so without a schema only the first is sure to be there."""
        known = self.columns or {column for row in self.rows for column in row}
        missing = [each for each in (names if self.columns else names[:1]) if each.lower() not in known]
        if missing and known:
            raise Halt(
                f"Bromcom's {self.entity} has no {' and no '.join(missing)}; its columns are {', '.join(sorted(known))[:600]}. Is it the entity that was"
                " ticked, and are user and password right? Nothing was changed."
            )


class Service:
    """The service of one school. `credentials` gives user and password at the moment of a call; neither ever leaves in a sentence."""

    def __init__(
        self,
        endpoint: str,
        school: int,
        context: Context,
        credentials: Callable[[], tuple[str, str]],
        bearer: Callable[[], str] | None,
    ) -> None:
        self._endpoint, self._school, self._context, self._credentials = endpoint, school, context, credentials
        headers = {"Authorization": f"Bearer {bearer()}"} if bearer is not None else {}
        self._client = Client("Bromcom", endpoint, context, headers)

    def close(self) -> None:
        """Let go of the connection; may be called twice."""
        self._client.close()

    def entities(self) -> set[str]:
        """The names, in lower case, of the entities that are ticked for this account."""
        table = self._call("findEntitiesBySchoolID", "the list of entities", {"schoolID": str(self._school)})
        table.needs("EntityName")
        return {str(row["entityname"]).strip().lower() for row in table.rows if row.get("entityname")}

    def table(self, entity: str, where: str) -> Table:
        """The rows of an entity that a predicate of T-SQL lets through."""
        asked = {"schoolID": str(self._school), "entityName": entity, "entityFilter": where}
        table = self._call("getEntityDataBySchoolID", entity, asked)
        self._context.progress(f"reading {entity}", len(table.rows), None)
        return table

    def _call(self, function: str, entity: str, asked: dict[str, str]) -> Table:
        user, password = self._credentials()
        told = "".join(
            f"<{name}>{escape(value)}</{name}>"
            for name, value in (asked | {"username": user, "password": password}).items()
        )
        body = (
            '<?xml version="1.0" encoding="utf-8"?><soap12:Envelope xmlns:soap12="http://www.w3.org/2003/05/soap-envelope"><soap12:Body>'
            f'<{function} xmlns="{SPACE}">{told}</{function}></soap12:Body></soap12:Envelope>'
        )
        headers = {"Content-Type": f'application/soap+xml; charset=utf-8; action="{SPACE}{function}"'}
        answer = self._client.fetch("POST", self._endpoint, None, body.encode(), headers, good=(200, 400, 500))
        if answer.status == 500 and b"Fault" not in answer.body:
            # A server that is ill is asked again; one that answers with a fault has said what it has to say.
            answer = self._client.fetch("POST", self._endpoint, None, body.encode(), headers)
        return _table(answer.xml(), function, entity, (password, user))


def _table(root: Element, function: str, entity: str, secrets: Collection[str]) -> Table:
    body = _child(root, "Body") if _name(root) == "Envelope" else None
    if body is None:
        raise Unavailable(
            f"Bromcom answered {entity} with XML that is no answer of its service (a proxy's or a maintenance page?). Nothing was changed."
        )
    fault = _child(body, "Fault")
    if fault is not None:
        raise _refusal(" ".join(each for each in (part.strip() for part in fault.itertext()) if each), entity, secrets)
    answer = _child(body, f"{function}Response")
    result = _child(answer, f"{function}Result") if answer is not None else None
    grams = [each for each in (result if result is not None else ()) if _name(each) == "diffgram"]
    if result is None or len(grams) != 1:
        raise Halt(
            f"Bromcom answered {entity} without a data set. That is how it may say that user or password is wrong, or that {entity} is not ticked for the"
            f" account; it does not mean that there is nobody. Nothing was changed."
        )
    columns = {str(each.get("name")).lower() for each in result.iter(_SCHEMA) if each.get("type") is not None}
    return Table(entity, columns, _rows(grams[0], entity))


def _rows(gram: Element, entity: str) -> list[Row]:
    """The rows, which ADO.NET numbers from 0; there is no data set in a diffgram without rows."""
    sets = list(gram)
    if not sets:
        return []
    if len(sets) != 1 or _name(sets[0]) in ("before", "errors"):
        raise Unavailable(
            f"Bromcom sent a data set of {entity} that is not the plain one of a read. Nothing was changed."
        )
    found: list[Row] = []
    names: dict[str, str] = {}
    kind = sets[0][0].tag if len(sets[0]) else ""
    for place, element in enumerate(sets[0]):
        order = element.get(_ROW_ORDER)
        if element.tag != kind or (order is not None and order != str(place)):
            raise Unavailable(
                f"Bromcom's data set of {entity} is not whole: row {place} is another. Nothing was changed."
            )
        row: dict[str, str | None] = {}
        for cell in element:
            name = names.get(cell.tag)
            if name is None:
                name = names[cell.tag] = _name(cell).lower()
            if len(cell) or name in row:
                raise Unavailable(f"Bromcom sent a row of {entity} whose {name} is not one text. Nothing was changed.")
            row[name] = cell.text
        found.append(row)
        element.clear()
    return found


def _refusal(said: str, entity: str, secrets: Collection[str]) -> Halt | Unavailable:
    """What a fault means: a person's to put right where it speaks of rights, else tried again. What shows user or password is not repeated."""
    for each in secrets:
        said = said.replace(each, "***") if each else said
    said = _CONTROL.sub(" ", said)[:300].rstrip(". ")
    if _RIGHTS.search(said):
        return Halt(
            f"Bromcom refused {entity}: {said}. Look at user and password, and whether {entity} is ticked for the account. Nothing was changed."
        )
    return Unavailable(f"Bromcom could not give {entity}: {said}. Nothing was changed; it is tried again later.")


def _child(element: Element, name: str) -> Element | None:
    return next((each for each in element if _name(each) == name), None)


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
