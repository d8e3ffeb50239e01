"""Endpoints, as they are invoked."""
