"""Signed C2PA credentials: keys, statements, signing, reading, and the gate that keeps them conforming."""
