"""Survey results that come back."""
