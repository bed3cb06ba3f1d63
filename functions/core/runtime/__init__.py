"""What the runtime does once for all steps: claim, guard, work, record, reply."""
