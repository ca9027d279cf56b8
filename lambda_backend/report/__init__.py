"""What the person and other tools read afterwards."""
