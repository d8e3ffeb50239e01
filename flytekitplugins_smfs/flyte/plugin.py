"""Loaded by `import flytekit` through the flytekit.plugins entry point: must stay lean and must never raise."""
