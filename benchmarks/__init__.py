"""Measures what the design promises in times and rates; what each figure means is in docs/benchmarks.md."""
