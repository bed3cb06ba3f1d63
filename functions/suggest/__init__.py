"""/v1/suggest: the beginning of a word → tags, people and the caller's last searches that begin so."""
