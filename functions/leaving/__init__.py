"""A person leaves: first with everything that is theirs, in one zip, then without a trace."""
