"""The outcomes of `jacinspect check` in each format. Pure functions."""
