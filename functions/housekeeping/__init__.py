"""What nobody asks for and everybody relies on: the relay, sweeps, repairs, the trash, and the audit."""
