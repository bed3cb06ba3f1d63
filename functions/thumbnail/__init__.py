"""assets.uploaded → renditions for every gallery size, hashes, colours and metadata → embed."""
