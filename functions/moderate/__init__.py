"""embed → a verdict: block list, what the model scores, or a person's turn → assets.processed."""
