"""Deterministic zips."""
