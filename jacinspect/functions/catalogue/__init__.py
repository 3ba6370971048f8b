"""The catalogue: one table a family of functions, joined by `lookup`; listed, and completed in a shell."""
