"""minerisk: a risk model for land that nobody has surveyed for mines."""
