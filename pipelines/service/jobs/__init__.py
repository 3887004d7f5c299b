"""Work that waits in the database and is done by processes of its own."""
