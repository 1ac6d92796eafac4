"""The shipped draft model: its procedurally rendered world, its training and its packaged weights."""
