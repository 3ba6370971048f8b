"""`jacinspect identities`: the tensor identities, verified on the numbers of one function and operand."""
