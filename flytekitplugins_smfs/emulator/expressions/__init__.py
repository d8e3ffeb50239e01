"""Regular expressions of users, run where they can hold up nothing: in a process of their own that can be killed."""
