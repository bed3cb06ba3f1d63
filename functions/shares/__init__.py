"""/v1/shares and /s: links that show an asset or a collection to whoever has one, while they live."""
