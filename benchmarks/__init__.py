"""How fast lambda-backend is, beside what else makes a Lambda zip: ``python -m benchmarks``."""
