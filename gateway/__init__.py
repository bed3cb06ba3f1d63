"""The door: who is asking, routes, problem details, the command line and the embedded mode."""
