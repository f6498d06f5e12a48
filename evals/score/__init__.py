"""Scores of a run, and its report: computed by code from what the run left behind and what the world knows."""
