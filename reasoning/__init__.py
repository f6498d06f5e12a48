"""Pure functions from stored evidence to a note: no clock, no network, no environment."""
