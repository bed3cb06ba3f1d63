"""/v1/keys: API keys that people make for programs, shown once and never more than their maker may."""
