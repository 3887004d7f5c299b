"""What was found and what was searched: labels, minefield records, search effort."""
