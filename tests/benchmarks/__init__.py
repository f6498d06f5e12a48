"""Tests of the benchmarks' own arithmetic and reading; none of them asserts a time."""
