"""The only mouth: reads tickets, checks webhooks, and writes one private note."""
