"""Accounts that a sign-in service checks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add how the service names an account."""
    op.add_column("accounts", sa.Column("issuer", sa.String(length=400), nullable=True))
    op.add_column("accounts", sa.Column("subject", sa.String(length=255), nullable=True))
    op.create_index("accounts_by_subject", "accounts", ["issuer", "subject"], unique=True)
