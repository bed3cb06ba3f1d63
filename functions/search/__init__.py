"""/v1/search: words, examples and both, minus what is not wanted → assets with a score and why."""
