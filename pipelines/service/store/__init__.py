"""The database of the desk: its tables, its connections, its upgrades."""
