"""Read-only eyes on production systems. Nothing here can write: each client refuses it below the vendor's SDK."""
