"""Slate's version, as credentials and recipes name it."""

VERSION = "0.1.0"
