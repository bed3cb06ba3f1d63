"""/v1/me and /v1/users: what people say of themselves, what they use, and who may no more be here."""
