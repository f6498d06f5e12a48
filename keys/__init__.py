"""Keys: the master keyring that settings name by reference, and sealing with it."""
