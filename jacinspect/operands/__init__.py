"""Operands: ``2x2``, ``x.csv`` or standard input comes in, a C-contiguous float array goes out.

Whatever a file holds, the only error is `InputError`, which names the place; pickles are never loaded, and nothing is
allocated past the memory limit. A shape goes through `shapes` alone; a file through `files` and `formats`, which has a
reader for each. Next is `jacinspect.inspection.pipeline`, which takes the arrays.
"""
