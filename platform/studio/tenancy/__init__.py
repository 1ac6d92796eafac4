"""Studios, who belongs to them in which role, and each studio's secrets."""
