"""The typed configuration schema and one YAML per study area. A leaf: imports no other room."""
