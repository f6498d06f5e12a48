"""Playbooks are data in folders here; library.py reads and compiles them."""
