"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_STAYS = "a name once issued or seen is never removed or given to somebody else"


def upgrade() -> None:
    """Make every table, and the triggers that keep the ledger of names."""
    _people()
    _runs()
    _journal()
    if op.get_bind().dialect.name == "postgresql":
        _triggers_postgresql()
    else:
        _triggers_sqlite()


def _people() -> None:
    op.create_table(
        "identities",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("school", sa.Text, nullable=False, index=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("username", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("aliases", sa.Text, nullable=False),
        sa.Column("chosen_display_name", sa.Text),
        sa.Column("year_of_entry", sa.Integer),
        sa.Column("waiting", sa.Text),
        sa.Column("proposal", sa.Text),
        sa.Column("absences", sa.Integer, nullable=False),
        sa.Column("left_on", sa.Text),
        sa.Column("expected", sa.Boolean, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("search", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("updated", sa.Text, nullable=False),
        sa.CheckConstraint("length(id) <= 16", name="identity_fits_employee_id"),
        sa.UniqueConstraint("username", name="username_once"),
        sa.UniqueConstraint("email", name="email_once"),
    )
    op.create_table(
        "source_keys",
        sa.Column("school", sa.Text, primary_key=True),
        sa.Column("record", sa.Text, primary_key=True),
        sa.Column("identity", sa.Text, sa.ForeignKey("identities.id"), nullable=False, index=True),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.create_table(
        "names",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("identity", sa.Text, sa.ForeignKey("identities.id"), index=True),
        sa.Column("seen_in", sa.Text),
        sa.Column("anchor", sa.Text),
        sa.Column("since", sa.Text, nullable=False),
    )
    op.create_table(
        "bonds",
        sa.Column("identity", sa.Text, sa.ForeignKey("identities.id"), primary_key=True),
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("anchor", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean),
        sa.Column("since", sa.Text, nullable=False),
        sa.UniqueConstraint("target", "anchor", name="anchor_once_per_target"),
    )


def _runs() -> None:
    op.create_table(
        "leases",
        sa.Column("school", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
        sa.Column("beat", sa.Text, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("school", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("ended", sa.Text),
        sa.Column("status", sa.Text),
        sa.Column("summary", sa.Text),
        sa.Index("runs_by_school", "school", "id"),
    )
    op.create_table(
        "readings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id"), nullable=False, index=True),
        sa.Column("school", sa.Text, nullable=False),
        sa.Column("taken_at", sa.Text, nullable=False),
        sa.Column("feed_time", sa.Text),
        sa.Column("good", sa.Boolean, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Index("readings_by_school", "school", "id"),
    )
    op.create_table(
        "contacts",
        sa.Column("school", sa.Text, primary_key=True),
        sa.Column("last_contact", sa.Text),
        sa.Column("problem", sa.Text),
        sa.Column("failing_since", sa.Text),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("given", sa.Text, nullable=False),
        sa.Column("expires", sa.Text, nullable=False),
        sa.Column("used", sa.Text),
    )
    still_open = sa.text("used IS NULL")
    op.create_index(
        "one_open_approval_per_digest",
        "approvals",
        ["digest"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )


def _journal() -> None:
    op.create_table(
        "plans",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id"), nullable=False, index=True),
        sa.Column("school", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("objections", sa.Text, nullable=False),
        sa.Column("conflicts", sa.Text, nullable=False),
        sa.Column("notices", sa.Text, nullable=False),
        sa.Column("made", sa.Text, nullable=False),
        sa.Index("plans_by_school", "school", "target", "id"),
    )
    op.create_table(
        "changes",
        sa.Column("plan", sa.Integer, sa.ForeignKey("plans.id"), primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False, index=True),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("intended", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("answered", sa.Text),
        sa.Column("note", sa.Text),
        sa.CheckConstraint("outcome IS NULL OR intended IS NOT NULL", name="intended_before_answered"),
    )
    waiting = sa.text("intended IS NOT NULL AND outcome IS NULL")
    op.create_index("unanswered_changes", "changes", ["plan"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("identity", sa.Text, sa.ForeignKey("identities.id"), nullable=False, index=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id")),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
    )
    op.create_table(
        "memories",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )


def _triggers_sqlite() -> None:
    op.execute(f"CREATE TRIGGER names_stay BEFORE DELETE ON names BEGIN SELECT RAISE(ABORT, '{_STAYS}'); END")
    op.execute(
        "CREATE TRIGGER names_keep_their_holder BEFORE UPDATE ON names"
        " WHEN NEW.name <> OLD.name OR (OLD.identity IS NOT NULL AND NEW.identity IS NOT OLD.identity)"
        f" BEGIN SELECT RAISE(ABORT, '{_STAYS}'); END"
    )


def _triggers_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION onroll_names_stay() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = '{_STAYS}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER names_stay BEFORE DELETE OR TRUNCATE ON names FOR EACH STATEMENT EXECUTE FUNCTION onroll_names_stay()"
    )
    op.execute(
        "CREATE TRIGGER names_keep_their_holder BEFORE UPDATE ON names FOR EACH ROW"
        " WHEN (NEW.name <> OLD.name OR (OLD.identity IS NOT NULL AND NEW.identity IS DISTINCT FROM OLD.identity))"
        " EXECUTE FUNCTION onroll_names_stay()"
    )
