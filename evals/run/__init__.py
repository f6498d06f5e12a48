"""Runs of a benchmark: a world is played whole, and each ticket investigated by every arm."""
