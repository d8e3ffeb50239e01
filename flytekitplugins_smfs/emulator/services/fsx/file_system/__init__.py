"""Lustre file systems: a document with a lifecycle, network interfaces in EC2, and a directory."""
