"""What programs ask for by OGC API - Processes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add process and outputs of a request."""
    op.add_column("requests", sa.Column("process", sa.String(length=16), nullable=True))
    op.add_column("requests", sa.Column("outputs", sa.JSON(), nullable=True))
