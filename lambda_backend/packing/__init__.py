"""Makes the artefacts of a wheel."""
