"""`whydesk …`: one file per command group."""
