"""Guests: people on the roll of one school whose account another school of the trust looks after."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "guests",
        sa.Column("school", sa.Text, primary_key=True),
        sa.Column("identity", sa.Text, sa.ForeignKey("identities.id"), primary_key=True, index=True),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("called", sa.Text, nullable=False),
        sa.Column("present", sa.Boolean, nullable=False),
        sa.Column("view", sa.Text, nullable=False),
        sa.UniqueConstraint("school", "record", name="guest_record_once"),
    )
