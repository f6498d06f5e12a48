"""Deterministic code only: order, budget and follow-ups. No vendor SDK, no clock, no environment."""
