"""HOW a Jacobian is found and held; knows arrays and callables only."""
