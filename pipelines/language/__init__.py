"""What a reader sees, in which language."""
