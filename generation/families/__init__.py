"""What class names and signatures cannot tell about a family of video models."""

from generation.families.table import Family, family_of

__all__ = ["Family", "family_of"]
