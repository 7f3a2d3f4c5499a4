"""The tables, and the constraints that keep the invariants of DESIGN 4 true whatever the program does.

Times are ISO 8601 in UTC as text, dates ISO as text: the same on SQLite and PostgreSQL, and sortable.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

identities = Table(
    "identities",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("school", String(64), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    Column("username", String(20)),
    Column("email", String(320)),
    Column("aliases", Text, nullable=False),
    Column("chosen_display_name", Text),
    Column("year_of_entry", Integer),
    Column("waiting", Text),
    Column("proposal", Text),
    Column("absences", Integer, nullable=False),
    Column("left_on", String(10)),
    Column("expected", Boolean, nullable=False),
    Column("person", Text, nullable=False),
    Column("updated", String(32), nullable=False),
    CheckConstraint("length(id) <= 16", name="identity_fits_employee_id"),
    UniqueConstraint("username", name="username_once"),
    UniqueConstraint("email", name="email_once"),
)

source_keys = Table(
    "source_keys",
    metadata,
    Column("school", String(64), primary_key=True),
    Column("record", String(128), primary_key=True),
    Column("identity", String(16), ForeignKey("identities.id"), nullable=False, index=True),
    Column("main", Boolean, nullable=False),
)

names = Table(
    "names",
    metadata,
    Column("name", String(320), primary_key=True),
    Column("identity", String(16), ForeignKey("identities.id"), index=True),
    Column("seen_in", String(64)),
    Column("since", String(32), nullable=False),
)

bonds = Table(
    "bonds",
    metadata,
    Column("identity", String(16), ForeignKey("identities.id"), primary_key=True),
    Column("target", String(64), primary_key=True),
    Column("anchor", String(128), nullable=False),
    Column("enabled", Boolean),
    Column("since", String(32), nullable=False),
    UniqueConstraint("target", "anchor", name="anchor_once_per_target"),
)

leases = Table(
    "leases",
    metadata,
    Column("school", String(64), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("since", String(32), nullable=False),
    Column("beat", String(32), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("school", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("by", Text, nullable=False),
    Column("started", String(32), nullable=False),
    Column("ended", String(32)),
    Column("status", String(16)),
    Column("summary", Text),
    Index("runs_by_school", "school", "id"),
)

readings = Table(
    "readings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", Integer, ForeignKey("runs.id"), nullable=False),
    Column("school", String(64), nullable=False, index=True),
    Column("taken_at", String(32), nullable=False),
    Column("feed_time", String(32)),
    Column("good", Boolean, nullable=False),
    Column("profile", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("school", String(64), primary_key=True),
    Column("last_contact", String(32)),
    Column("last_read", String(32)),
    Column("feed_time", String(32)),
    Column("last_change", String(32)),
    Column("problem", Text),
    Column("failing_since", String(32)),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, index=True),
    Column("school", String(64), nullable=False),
    Column("by", Text, nullable=False),
    Column("given", String(32), nullable=False),
    Column("expires", String(32), nullable=False),
    Column("used", String(32)),
)

plans = Table(
    "plans",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", Integer, ForeignKey("runs.id"), nullable=False, index=True),
    Column("target", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("objections", Text, nullable=False),
    Column("conflicts", Text, nullable=False),
    Column("notices", Text, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("plan", Integer, ForeignKey("plans.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("identity", String(128), nullable=False, index=True),
    Column("username", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("intended", String(32)),
    Column("outcome", String(16)),
    Column("answered", String(32)),
    Column("note", Text),
    UniqueConstraint("plan", "position", name="one_outcome_per_intention"),
)

memories = Table(
    "memories",
    metadata,
    Column("target", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
