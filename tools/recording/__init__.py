"""What `record_release.py` records a release with."""
