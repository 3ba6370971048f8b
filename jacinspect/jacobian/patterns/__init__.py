"""Which inputs does each output read? In: a black box and points. Out: a proved pattern. Next: values, forms."""
