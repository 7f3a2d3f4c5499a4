"""Moves of a school to another MIS, and what people said of accounts that were there before us."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "moves",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("school", sa.Text, nullable=False),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("pairs", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_table(
        "links",
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("anchor", sa.Text, primary_key=True),
        sa.Column("identity", sa.Text, sa.ForeignKey("identities.id"), primary_key=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.add_column("identities", sa.Column("suspended", sa.Text, nullable=False, server_default=sa.text("''")))
