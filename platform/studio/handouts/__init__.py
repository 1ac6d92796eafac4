"""Copies of released takes for single recipients: made, listed, and traced when one of them turns up."""
