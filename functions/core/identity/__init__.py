"""Who is asking: strict access tokens, their keys, and what a caller may do."""
