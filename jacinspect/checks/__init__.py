"""`jacinspect check`: a configuration -> its suite -> inspections in worker processes -> their outcomes."""
