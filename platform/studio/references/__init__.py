"""Banks of works to be recognised, fingerprint search, and matches."""
