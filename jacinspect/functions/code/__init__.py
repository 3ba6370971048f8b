"""Functions of somebody's own: references to Python code, callables, and the arrays of torch and jax."""
