"""The far end for demos and tests: plays a world behind the vendors own protocols on loopback. Knows nothing of the product."""
