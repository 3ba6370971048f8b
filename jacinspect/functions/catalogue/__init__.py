"""The catalogue: a table for each family of functions; joined in `tables`, found by `lookup`, completed in a shell."""
