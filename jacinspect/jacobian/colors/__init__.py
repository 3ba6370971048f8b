"""Inputs that can share a call: columns, or rows, of one color, and the seed of each. Next: patterns, values."""
