"""Benchmarks: ratios measured side by side in one run; absolute times are for the reader's orientation only."""
