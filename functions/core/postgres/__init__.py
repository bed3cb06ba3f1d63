"""Rows: the embedded server, migrations, inbox, outbox and the event log."""
