"""/v1/assets: list, read, change, trash, restore, try again, delete, and tell how far processing is."""
