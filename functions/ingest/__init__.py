"""storage.events → the original is in place and of the kind it was declared → assets.uploaded."""
