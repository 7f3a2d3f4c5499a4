"""The tables, and the constraints that keep the invariants of DESIGN 4 true whatever the program does.

Times are ISO 8601 in UTC with microseconds, dates are ISO, documents are JSON: all as text, so that both databases hold, sort and give back the same.
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
    Table,
    Text,
    UniqueConstraint,
    text,
)

from onroll_core.store.codec import LISTED_AS

metadata = MetaData()

_KINDS = ("role", "state", "source", "year_group", "registration_group")

identities = Table(
    "identities",
    metadata,
    Column("id", Text, primary_key=True),
    Column("school", Text, nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("username", Text),
    Column("email", Text),
    Column("aliases", Text, nullable=False),
    Column("chosen_display_name", Text),
    Column("year_of_entry", Integer),
    Column("waiting", Text),
    Column("proposal", Text),
    Column("absences", Integer, nullable=False),
    Column("left_on", Text),
    Column("expected", Boolean, nullable=False),
    Column("suspended", Text, nullable=False, server_default=text("''")),
    Column("person", Text, nullable=False),
    Column("search", Text, nullable=False),  # what `find` looks in, folded
    Column("fingerprint", Text, nullable=False),  # of everything above: the same if and only if nothing changed
    Column("updated", Text, nullable=False),
    # Of `person`, so that people can be listed and counted without opening it: see `codec.listed_as`.
    *(Column(name, Text, nullable=False, server_default=text("''")) for name in LISTED_AS),
    CheckConstraint("length(id) <= 16", name="identity_fits_employee_id"),
    UniqueConstraint("username", name="username_once"),
    UniqueConstraint("email", name="email_once"),
    Index("people_by_kind", "school", *_KINDS),
    Index(
        "names_that_wait",
        "school",
        sqlite_where=text("waiting IS NOT NULL"),
        postgresql_where=text("waiting IS NOT NULL"),
    ),
    # All that a search compares, in the order of a list. PostgreSQL's indices have no room for `search`, and it reads the table quickly enough.
    Index("people_listed", "school", "sort_name", "id", "search", *_KINDS, info={"only": "sqlite"}).ddl_if("sqlite"),
)

source_keys = Table(
    "source_keys",
    metadata,
    Column("school", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("identity", Text, ForeignKey("identities.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),  # 0 is the record that `person` came from
)

# `identity` is who it was issued to; None: only seen in a target, `seen_in`, where the object `anchor` holds it.
# Triggers of the first migration refuse to remove a row, to change its name, or to give an issued name to somebody else.
names = Table(
    "names",
    metadata,
    Column("name", Text, primary_key=True),
    Column("identity", Text, ForeignKey("identities.id"), index=True),
    Column("seen_in", Text),
    Column("anchor", Text),
    Column("since", Text, nullable=False),
)

bonds = Table(
    "bonds",
    metadata,
    Column("identity", Text, ForeignKey("identities.id"), primary_key=True),
    Column("target", Text, primary_key=True),
    Column("anchor", Text, nullable=False),
    Column("enabled", Boolean),
    Column("since", Text, nullable=False),
    UniqueConstraint("target", "anchor", name="anchor_once_per_target"),
)

leases = Table(
    "leases",
    metadata,
    Column("school", Text, primary_key=True),
    Column("holder", Text, nullable=False),  # for people
    Column("process", Text, nullable=False),  # host, process and when it started: see `processes`
    Column("since", Text, nullable=False),
    Column("beat", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("school", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("started", Text, nullable=False),
    Column("ended", Text),
    Column("status", Text),
    Column("summary", Text),
    Column("undoes", Integer),  # the run that an "undo" takes back
    Index("runs_by_school", "school", "id"),
)

readings = Table(
    "readings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", Integer, ForeignKey("runs.id"), nullable=False, index=True),
    Column("school", Text, nullable=False),
    Column("taken_at", Text, nullable=False),
    Column("feed_time", Text),
    Column("good", Boolean, nullable=False),
    Column("profile", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("readings_by_school", "school", "id"),
)

contacts = Table(
    "contacts",
    metadata,
    Column("school", Text, primary_key=True),
    Column("last_contact", Text),
    Column("problem", Text),
    Column("failing_since", Text),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("given", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("used", Text),
    # How many people have to say yes, and the second who did.
    Column("needed", Integer, nullable=False, server_default=text("1")),
    Column("also_by", Text),
    # Two people who approve the same thing have approved it once.
    Index(
        "one_open_approval_per_digest",
        "digest",
        unique=True,
        sqlite_where=text("used IS NULL"),
        postgresql_where=text("used IS NULL"),
    ),
)

plans = Table(
    "plans",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", Integer, ForeignKey("runs.id"), nullable=False, index=True),
    Column("school", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("objections", Text, nullable=False),
    Column("conflicts", Text, nullable=False),
    Column("notices", Text, nullable=False),
    Column("made", Text, nullable=False),
    Index("plans_by_school", "school", "target", "id"),
)

# One row is a change, the intention to send it and its outcome, so there cannot be two outcomes of one intention.
changes = Table(
    "changes",
    metadata,
    Column("plan", Integer, ForeignKey("plans.id"), primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("identity", Text, nullable=False, index=True),
    Column("username", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("intended", Text),
    Column("outcome", Text),
    Column("answered", Text),
    Column("note", Text),
    CheckConstraint("outcome IS NULL OR intended IS NOT NULL", name="intended_before_answered"),
    Index(
        "unanswered_changes",
        "plan",
        sqlite_where=text("intended IS NOT NULL AND outcome IS NULL"),
        postgresql_where=text("intended IS NOT NULL AND outcome IS NULL"),
    ),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("identity", Text, ForeignKey("identities.id"), nullable=False, index=True),
    Column("run", Integer, ForeignKey("runs.id")),
    Column("at", Text, nullable=False),
    Column("what", Text, nullable=False),
)

memories = Table(
    "memories",
    metadata,
    Column("target", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

# The MIS's groups as they were told last, with their people by identity; `people` is {"members": [...], "leaders": [...]}.
groups = Table(
    "groups",
    metadata,
    Column("school", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("people", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("doubt", Text, nullable=False),
)

# Who was handed a first password, when and by whom: never the password.
handouts = Table(
    "handouts",
    metadata,
    Column("identity", Text, ForeignKey("identities.id"), primary_key=True),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
)

# Renames that are to be done on a day: at most one a person.
renames = Table(
    "renames",
    metadata,
    Column("identity", Text, ForeignKey("identities.id"), primary_key=True),
    Column("username", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("keep_alias", Boolean, nullable=False),
    Column("day", Text, nullable=False),
    Column("by", Text, nullable=False),
)

# Whom onroll itself put into a group of a target: only they are ever taken out again where the school keeps strangers.
memberships = Table(
    "memberships",
    metadata,
    Column("target", Text, primary_key=True),
    Column("school", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("identity", Text, ForeignKey("identities.id"), primary_key=True),
    Column("owner", Boolean, primary_key=True),
)

# People on the roll of a school whose account another school looks after. `view` is that person as the school sees them; `called` is the school's name;
# `present` says that it has them on roll, so that their own school must not switch the account off.
guests = Table(
    "guests",
    metadata,
    Column("school", Text, primary_key=True),
    Column("identity", Text, ForeignKey("identities.id"), primary_key=True, index=True),
    Column("record", Text, nullable=False),
    Column("called", Text, nullable=False),
    Column("present", Boolean, nullable=False),
    Column("view", Text, nullable=False),
    UniqueConstraint("school", "record", name="guest_record_once"),
)

# Moves to another MIS; `pairs` is {identity: record of the new MIS}, `status` one of open, confirmed, done, taken back.
moves = Table(
    "moves",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("school", Text, nullable=False),
    Column("to", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("pairs", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
)

# What people said of accounts that were there before us: confirmed, rejected, or undone. `before` has the names of the identity before the link.
links = Table(
    "links",
    metadata,
    Column("target", Text, primary_key=True),
    Column("anchor", Text, primary_key=True),
    Column("identity", Text, ForeignKey("identities.id"), primary_key=True),
    Column("status", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
)

# Changes that somebody undid, by `undo.Trace`: a plan that has one again waits for a person.
undone = Table(
    "undone",
    metadata,
    Column("school", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("identity", Text, primary_key=True),
    Column("about", Text, primary_key=True),
    Column("run", Integer, ForeignKey("runs.id"), nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
)
