"""Embedding models: tokenizer and preprocessing, without any training framework."""
