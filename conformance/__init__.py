"""Holds what our connectors send, and what our sandbox answers, to truths that the vendors themselves published."""
