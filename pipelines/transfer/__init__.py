"""A run's model on another study area: what matches, how far land differs, ranks."""
