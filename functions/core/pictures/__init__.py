"""Pictures: decoding of strangers' bytes in limited children, renditions, hashes, metadata."""
