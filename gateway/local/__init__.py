"""The embedded mode: one command, a few processes, no server beside it."""
