"""A PEP 517/660 build backend that leaves AWS Lambda artefacts beside the wheel."""

__version__ = "0.1.0"
