"""Tags of file systems, associations and tasks."""
