"""Passwords that are of use once: to choose another."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add until when a first password is of use."""
    op.add_column("accounts", sa.Column("first_until", sa.Double(), nullable=True))
