"""The tables of the console: who may sign in, what they asked for, and what they did. They share the metadata, and the ways of writing, of `schema`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, text

from onroll_core.store.schema import metadata

# People who may use the console. `schools` is a JSON list of ids, or null for all of them; `password` is argon2's own text, null where only OpenID Connect lets them in.
operators = Table(
    "operators",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("display", Text, nullable=False),
    Column("email", Text, unique=True),
    Column("password", Text),
    Column("role", Text, nullable=False),
    Column("schools", Text),
    Column("made", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
)

# Somebody is signed in: an operator, or a member of staff (`identity`) who has only their own profile. `key` is the SHA-256 of the cookie.
console_sessions = Table(
    "console_sessions",
    metadata,
    Column("key", Text, primary_key=True),
    Column("operator", Integer, ForeignKey("operators.id"), index=True),
    Column("identity", Text, ForeignKey("identities.id")),
    Column("csrf", Text, nullable=False),
    Column("made", Text, nullable=False),
    Column("seen", Text, nullable=False),
    Column("expires", Text, nullable=False),
)

# What scripts show in place of a cookie; `key` is the SHA-256 of the token.
tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("schools", Text),
    Column("made", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("used", Text),
    Column("revoked", Text),
)

# Links that work once: the first administrator's (no operator yet), and those with which somebody chooses a password.
one_time_links = Table(
    "one_time_links",
    metadata,
    Column("key", Text, primary_key=True),
    Column("operator", Integer, ForeignKey("operators.id")),
    Column("made", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("used", Text),
)

# Who did what at the console; rows are never changed. `school` is null for what concerns the whole installation.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("school", Text),
    Column("what", Text, nullable=False),
    Column("about", Text, nullable=False),
    Index("audit_by_school", "school", "id"),
)

# What people asked the service to do: see `requests.Request`. `process` is the one that took it.
requests = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("school", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("process", Text),
    Column("began", Text),
    Column("ended", Text),
    Column("status", Text, nullable=False),
    Column("progress", Text),
    Column("result", Text),
    Index("requests_by_school", "school", "id"),
    # The same thing asked twice, by two people or by an impatient one, is asked once.
    Index(
        "one_open_request",
        "school",
        "kind",
        "asked",
        unique=True,
        sqlite_where=text("ended IS NULL"),
        postgresql_where=text("ended IS NULL"),
    ),
)

# A person's no to exactly this digest, so that nobody has to look at it twice.
refusals = Table(
    "refusals",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("school", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("why", Text, nullable=False),
)
