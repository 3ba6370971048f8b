"""One inspection: a function and an operand in, a Report out; `pipeline` reads in the order of the data."""
