"""A model whose every word is an attacker's, and texts that give orders to a model that obeys them."""
