"""POST /v1/uploads → a form that takes exactly the declared bytes → storage.events, when they are there."""
