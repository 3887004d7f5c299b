"""Commands: the only room that touches disk layout, MLflow and the command line."""
