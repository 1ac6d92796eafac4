"""Productions, their sequences and shots."""
