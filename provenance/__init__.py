"""Provenance: reading and writing media, marking it invisibly, and recognising it again."""
