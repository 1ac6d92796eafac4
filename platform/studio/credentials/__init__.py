"""Signing keys, stored manifests, the gate before publication, and verification."""
