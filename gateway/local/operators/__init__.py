"""What the operator's commands ask of a running gallery, a module per noun; each names its commands in COMMANDS."""
