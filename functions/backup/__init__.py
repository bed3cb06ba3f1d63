"""A gallery kept elsewhere: one snapshot of the rows, the objects that it names, and the secrets that it needs."""
