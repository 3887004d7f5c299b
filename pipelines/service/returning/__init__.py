"""Survey results: what a team takes along, and what comes back."""
