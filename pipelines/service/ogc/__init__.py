"""Addresses that keep to standards: OGC API - Processes and Features, and STAC."""
