"""assets.deleted → nothing is left: vectors, then renditions, then the original, then the rows."""
