"""Roles, as far as moto takes what IAM refuses."""
