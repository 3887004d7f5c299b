"""How good a run is: later finds, tables, districts, comparison."""
