"""The append-only log of every state change."""
