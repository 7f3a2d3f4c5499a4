"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "identities",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("school", sa.String(64), nullable=False, index=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("username", sa.String(20)),
        sa.Column("email", sa.String(320)),
        sa.Column("aliases", sa.Text, nullable=False),
        sa.Column("chosen_display_name", sa.Text),
        sa.Column("year_of_entry", sa.Integer),
        sa.Column("waiting", sa.Text),
        sa.Column("proposal", sa.Text),
        sa.Column("absences", sa.Integer, nullable=False),
        sa.Column("left_on", sa.String(10)),
        sa.Column("expected", sa.Boolean, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("updated", sa.String(32), nullable=False),
        sa.CheckConstraint("length(id) <= 16", name="identity_fits_employee_id"),
        sa.UniqueConstraint("username", name="username_once"),
        sa.UniqueConstraint("email", name="email_once"),
    )
    identity = "identities.id"
    op.create_table(
        "source_keys",
        sa.Column("school", sa.String(64), primary_key=True),
        sa.Column("record", sa.String(128), primary_key=True),
        sa.Column("identity", sa.String(16), sa.ForeignKey(identity), nullable=False, index=True),
        sa.Column("main", sa.Boolean, nullable=False),
    )
    op.create_table(
        "names",
        sa.Column("name", sa.String(320), primary_key=True),
        sa.Column("identity", sa.String(16), sa.ForeignKey(identity), index=True),
        sa.Column("seen_in", sa.String(64)),
        sa.Column("since", sa.String(32), nullable=False),
    )
    op.create_table(
        "bonds",
        sa.Column("identity", sa.String(16), sa.ForeignKey(identity), primary_key=True),
        sa.Column("target", sa.String(64), primary_key=True),
        sa.Column("anchor", sa.String(128), nullable=False),
        sa.Column("enabled", sa.Boolean),
        sa.Column("since", sa.String(32), nullable=False),
        sa.UniqueConstraint("target", "anchor", name="anchor_once_per_target"),
    )
    op.create_table(
        "leases",
        sa.Column("school", sa.String(64), primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("since", sa.String(32), nullable=False),
        sa.Column("beat", sa.String(32), nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("school", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("started", sa.String(32), nullable=False),
        sa.Column("ended", sa.String(32)),
        sa.Column("status", sa.String(16)),
        sa.Column("summary", sa.Text),
        sa.Index("runs_by_school", "school", "id"),
    )
    op.create_table(
        "readings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("school", sa.String(64), nullable=False, index=True),
        sa.Column("taken_at", sa.String(32), nullable=False),
        sa.Column("feed_time", sa.String(32)),
        sa.Column("good", sa.Boolean, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_table(
        "contacts",
        sa.Column("school", sa.String(64), primary_key=True),
        sa.Column("last_contact", sa.String(32)),
        sa.Column("last_read", sa.String(32)),
        sa.Column("feed_time", sa.String(32)),
        sa.Column("last_change", sa.String(32)),
        sa.Column("problem", sa.Text),
        sa.Column("failing_since", sa.String(32)),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, index=True),
        sa.Column("school", sa.String(64), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("given", sa.String(32), nullable=False),
        sa.Column("expires", sa.String(32), nullable=False),
        sa.Column("used", sa.String(32)),
    )
    op.create_table(
        "plans",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.id"), nullable=False, index=True),
        sa.Column("target", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("objections", sa.Text, nullable=False),
        sa.Column("conflicts", sa.Text, nullable=False),
        sa.Column("notices", sa.Text, nullable=False),
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("plan", sa.Integer, sa.ForeignKey("plans.id"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("identity", sa.String(128), nullable=False, index=True),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("intended", sa.String(32)),
        sa.Column("outcome", sa.String(16)),
        sa.Column("answered", sa.String(32)),
        sa.Column("note", sa.Text),
        sa.UniqueConstraint("plan", "position", name="one_outcome_per_intention"),
    )
    op.create_table(
        "memories",
        sa.Column("target", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
