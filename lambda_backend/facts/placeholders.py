"""Tells a credential from what stands in its place: in examples, templates and tests."""

from __future__ import annotations

import itertools
import re

from lambda_backend.patterns import pattern

__all__ = ["is_placeholder", "is_regular", "looks_random"]

_TEMPLATE = pattern(rb"\$[A-Za-z_({]|[{}<>\[\]\\]|%[(sdr]|%[A-Za-z_]+%")
"""A variable of a shell, of a template, or of a format."""
_WORDS = pattern(
    rb"example|sample|dummy|fake|placeholder|change.?me|replace|redacted|hidden|insert|your|xxxx|0000|\*\*|\.\.\.",
    re.IGNORECASE,
)
_LONGEST_WORDED = 100
"""Bytes; in a longer text that is random, such a word may well come up."""
_NAME = pattern(
    rb"(?:(?:a|access|account|api|auth|aws|client|db|my|private|sas|secret|super|some|test|the|user)[-_. ]?)*"
    rb"(?:apikey|bar|baz|credentials?|foo|id|key|none|null|p|pass|passphrase|passw|passwd|password|pw|pwd|secret|test|tiger"
    rb"|token|user|username|value|x+)[0-9]{0,3}",
    re.IGNORECASE,
)
"""What people write for "a password"."""
_FEW = 7
_SHORTEST_RANDOM = 12


def is_placeholder(value: bytes) -> bool:
    """Whether a value says of itself that it is none: a variable, a word for one, or too regular to be one."""
    return (
        _TEMPLATE.search(value) is not None
        or _NAME.fullmatch(value) is not None
        or (len(value) <= _LONGEST_WORDED and _WORDS.search(value) is not None)
        or is_regular(value)
    )


def is_regular(value: bytes) -> bool:
    """Few characters again and again, or one after the other as in the alphabet; nothing at all is regular too."""
    steps = sum(after - before in {0, 1} for before, after in itertools.pairwise(value))
    return len(set(value)) <= min(len(value) // 5 + 1, _FEW) or steps * 3 > len(value)


def looks_random(value: bytes) -> bool:
    """Whether a machine made it: long, letters and digits, no word, no order."""
    text = value.decode("latin-1")
    mixed = any(char.isdigit() for char in text) and any(char.isalpha() for char in text)
    return len(value) >= _SHORTEST_RANDOM and mixed and not is_placeholder(value)
