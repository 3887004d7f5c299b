"""Vector files as people have them: their letters, their tables of text, the rows kept."""
