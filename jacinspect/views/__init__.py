"""Pure functions from a Report to text; nothing here computes or prints."""
