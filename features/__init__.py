"""Turn places into numbers: grid, sources, features, labels, cube.

Nothing in this room knows a configuration file, a run folder, MLflow or the process's environment.
"""
