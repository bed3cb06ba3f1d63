"""One file per technology behind a port; client libraries are imported here only."""
