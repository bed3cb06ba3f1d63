"""assets.processed, assets.changed → the vector index shows what the row says → assets.embedded."""
