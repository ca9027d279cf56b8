"""Deterministic zips: written with a pinned compressor, or on top of the bytes of an earlier one."""

from lambda_backend.archive.extract import extract
from lambda_backend.archive.index import load_index, save_index
from lambda_backend.archive.model import Archive, ArchivedMember, content_digest
from lambda_backend.archive.writer import write

__all__ = ["Archive", "ArchivedMember", "content_digest", "extract", "load_index", "save_index", "write"]
