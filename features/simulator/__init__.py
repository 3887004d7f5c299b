"""A world with known truth: land, laying, survey."""
