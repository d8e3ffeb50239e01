"""Log streams."""
