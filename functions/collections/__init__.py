"""/v1/collections: ordered sets of one's own assets, shown to others as far as they may see what is in them."""
