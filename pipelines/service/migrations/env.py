"""Runs the upgrades of the database on the connection that `store.database` hands over."""

from alembic import context

from minerisk.pipelines.service.store.models import Base

context.configure(
    connection=context.config.attributes.get("connection"), target_metadata=Base.metadata
)
with context.begin_transaction():
    context.run_migrations()
