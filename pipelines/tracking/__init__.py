"""The MLflow record and the registry."""
