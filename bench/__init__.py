"""What is measured, and against whom; bench/README.md has the last tables."""
