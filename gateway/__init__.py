"""The ASGI app: signed webhooks in, health and metrics out."""
