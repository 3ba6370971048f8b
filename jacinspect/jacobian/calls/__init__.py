"""The function as a black box: its calls are counted, made on workers, and made again. Next: patterns, values."""
