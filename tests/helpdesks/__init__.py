"""Tests of helpdesks/."""
