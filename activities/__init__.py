"""The only hands of a workflow: each loads bodies by digest, calls a pure function, stores the result, returns a reference."""
