"""People's own functions: references to Python code, callables, and the arrays of torch and jax."""
