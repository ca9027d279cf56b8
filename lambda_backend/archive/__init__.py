"""Deterministic zips: written with a pinned compressor, or on top of the bytes of an earlier one."""
