"""Vector files as people have them: their letters, tables of text, rows kept, dates and columns."""
