"""The process that speaks S3 for the store of objects."""
