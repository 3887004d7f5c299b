"""What is called at a prompt or in a notebook: example areas, one feature, a Dataset, plots."""
