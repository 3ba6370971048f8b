"""What does the Jacobian look like? Its structure, its matrix, tensor and formula, and its products. Next: views."""
