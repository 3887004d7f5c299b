"""The run folder, its contents, and the workers that fill it."""
