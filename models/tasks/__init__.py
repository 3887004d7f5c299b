"""Survey tasks: shapes, selection, arms, ranks."""
