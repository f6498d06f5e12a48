"""Many tickets of one outage at once, on everything that `whydesk demo` runs."""
