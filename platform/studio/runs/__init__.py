"""Runs and attempts: from a request on a shot to a published take."""
