"""WhyBench: worlds made from a seed, tickets whose cause is known, and scores by code."""
