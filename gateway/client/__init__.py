"""The HTTP client of a gallery: what the command line and the first start's samples use."""
