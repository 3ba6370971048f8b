"""What are its singular values, eigenvalues and determinant, with what the error bars leave open? Next: report."""
