"""Benchmarks. Speeds are ratios in one run against something that stands still."""
