"""The version, where it can be had without importing anything else."""

__version__ = "0.1.0"
