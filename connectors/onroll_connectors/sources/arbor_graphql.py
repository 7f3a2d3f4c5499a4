"""Arbor's GraphQL: lists read page by page until one is short, and every error beside the data a reason to stop."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from onroll_connectors.http import Client
from onroll_connectors.shape import Shape
from onroll_connectors.sources.arbor_rights import RIGHTS
from onroll_core.contracts import Context
from onroll_core.errors import Halt, Unavailable

SHAPE = Shape("Arbor")
_MOST_PAGES = 5_000


def selection(fields: str, omit: Collection[str]) -> str:
    """`fields` without those that the school's Arbor does not know or does not permit; a field with fields of its own is one of them too."""
    found, depth, skipping = [], 0, None
    words = fields.replace("{", " { ").replace("}", " } ").split()
    for position, word in enumerate(words):
        if word == "{":
            depth += 1
        if skipping is None and word in omit:
            if words[position + 1 : position + 2] == ["{"]:
                skipping = depth
            continue
        if skipping is None:
            found.append(word)
        if word == "}":
            depth -= 1
            if skipping == depth:
                skipping = None
    return " ".join(found)


class GraphQL:
    """One school's endpoint."""

    def __init__(self, client: Client, context: Context, page_size: int) -> None:
        self._client, self._context, self._size = client, context, page_size

    def rows(self, entity: str, fields: str, filters: str = "") -> Iterator[Mapping[str, Any]]:
        """Every record of an entity. Raises Unavailable when records come twice, Halt when something may not be seen."""
        seen: set[str] = set()
        for number in range(_MOST_PAGES):
            page = self._page(entity, fields, filters, number)
            for row in page:
                record = SHAPE.key(row.get("id"), f"the id of {entity}")
                if record in seen:
                    raise Unavailable(
                        f"Arbor sent the {entity} {record} twice, so its pages shifted while they were read. Nothing was changed."
                    )
                seen.add(record)
                yield row
            self._context.progress(f"reading {entity}", len(seen), None)
            if len(page) < self._size:
                return
        raise Unavailable(f"Arbor has more than {_MOST_PAGES} pages of {entity}. Nothing was changed.")

    def shows(self, entity: str) -> bool:
        """True where there is at least one record of an entity. Raises as `rows` does."""
        return bool(self._page(entity, "id", "", 0, 1))

    def same(self, entity: str, filters: str, read: Collection[str]) -> None:
        """Raises Unavailable when the ids of an entity are no longer those that were read: a page counted by position may have lost somebody."""
        now = {SHAPE.key(row.get("id"), f"the id of {entity}") for row in self.rows(entity, "id", filters)}
        if now != set(read):
            raise Unavailable(
                f"Arbor's list of {entity} changed while it was read ({len(read)} records, then {len(now)}). It is tried again later."
            )

    def _page(
        self, entity: str, fields: str, filters: str, number: int, size: int | None = None
    ) -> list[Mapping[str, Any]]:
        told, size = f"{filters}, " if filters else "", size or self._size
        query = f"query {{ {entity}({told}page_size: {size}, page_num: {number}) {{ {fields} }} }}"
        answer = self._client.fetch(
            "POST",
            "graphql/query",
            None,
            json.dumps({"query": query}).encode(),
            {"Content-Type": "application/json"},
            (200, 400),
        )
        body = SHAPE.table(answer.json(), "the answer")
        errors = body.get("errors")
        if errors is not None and (not isinstance(errors, list) or errors):
            raise _refusal(errors, entity)
        data = SHAPE.table(body.get("data"), "data")
        rows = SHAPE.rows(data.get(entity), entity)
        if len(rows) > size:
            raise Unavailable(f"Arbor sent {len(rows)} records of {entity} on a page of {size}. Nothing was changed.")
        return rows


def _refusal(errors: Any, entity: str) -> Halt | Unavailable:
    """Data beside an error is a part, and never a read."""
    if not isinstance(errors, list):
        return Unavailable(f"Arbor sent errors that onroll cannot read, for {entity}. Nothing was changed.")
    words = [SHAPE.text(SHAPE.table(each, "an error").get("message"), "an error") or "" for each in errors]
    first = (words[0] if words else "no reason").rstrip(".")
    if "do not have access" in first or "not authori" in first.lower():
        right = RIGHTS.named(entity)
        purpose = f" It is for {right.purpose}." if right is not None else ""
        return Halt(
            f"Arbor does not let onroll read something of {entity}: {first}.{purpose} Give the application that permission in Arbor, or, if the school can do without"
            " it, name the field in [school.source] omit. Nothing was changed."
        )
    if "cannot query field" in first.lower() or "unknown" in first.lower():
        return Halt(
            f"Arbor does not know something that onroll asks of {entity}: {first}. Name the field in [school.source] omit. Nothing was changed."
        )
    return Unavailable(f"Arbor could not answer for {entity}: {first}. Nothing was changed; it is tried again later.")
