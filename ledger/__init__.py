"""The record of every run: bodies by digest, and the rows that say what happened."""
