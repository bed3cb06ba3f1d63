"""/v1/moderation: what moderators are to look at, what they decide, what people ask of them, and what is blocked."""
