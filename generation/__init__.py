"""Turns shots into frames with any diffusers checkpoint; knows nothing of Django, signing or fingerprints."""

__version__ = "0.1.0"
