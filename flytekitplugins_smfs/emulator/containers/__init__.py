"""Jobs as real processes: a private file tree each, and a supervisor that outlives the server."""
