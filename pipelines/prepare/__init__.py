"""From layers to cube and labels: init, validate, simulate, build."""
