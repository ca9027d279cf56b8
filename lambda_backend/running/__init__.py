"""Runs artefacts as Lambda runs them: invokes a function, or only imports its handler."""
