"""Data repository associations: a directory of a file system linked to a prefix of a bucket."""
