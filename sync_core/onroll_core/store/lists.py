"""Many values in one query: a list travels as one JSON parameter, whatever its length."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Engine, Text, bindparam, cast, func
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.selectable import TableValuedAlias

from onroll_core.store.codec import document


def listed(engine: Engine, values: Iterable[str]) -> TableValuedAlias:
    """`values` as a table with the one column `value`, to join with or to select from."""
    parameter = bindparam(None, document(list(values)), type_=Text)
    if engine.dialect.name == "postgresql":
        return func.json_array_elements_text(cast(parameter, postgresql.JSON)).table_valued("value")
    return func.json_each(parameter).table_valued("value")
