"""Container engines behind one Protocol."""
