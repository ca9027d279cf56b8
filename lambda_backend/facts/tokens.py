"""Providers' tokens, known by how they start, and cloud keys, known by the name in front of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lambda_backend.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["GOOGLE_API_KEY", "GOOGLE_OAUTH_SECRET", "TOKENS", "Token", "pattern"]

GOOGLE_API_KEY = "a Google API key"
GOOGLE_OAUTH_SECRET = "a Google OAuth secret"  # noqa: S105 - what it is called


class Token(Value):
    """How one kind of token is written."""

    kind: str
    starts: tuple[str, ...]
    """Texts that it may start with, all with the same last character."""
    body: str
    """A pattern of what comes then."""


# The forms are what providers say of them, or what their own scanning partners look for.
TOKENS = (
    Token(
        kind="a GitHub token",
        starts=("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        body="[A-Za-z0-9]{36,251}",
    ),
    Token(kind="a GitHub token", starts=("github_pat_",), body="[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    Token(
        kind="a GitLab token",
        starts=("glpat-", "gldt-", "glrt-", "glptt-", "glft-", "glsoat-", "glcbt-"),
        body=r"[A-Za-z0-9_-]{20,300}(?:\.[a-z0-9]{2}\.?[a-z0-9]{7})?",
    ),
    Token(
        kind="a Slack token",
        starts=("xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-"),
        body="(?:[0-9]{1,14}-){1,4}[A-Za-z0-9]{20,200}",
    ),
    Token(kind="a Slack token", starts=("xapp-",), body="[0-9]-[A-Z0-9]{8,14}-[0-9]{8,16}-[a-f0-9]{64}"),
    Token(kind="a Stripe key", starts=("sk_live_", "rk_live_"), body="[A-Za-z0-9]{24,247}"),
    # A macaroon in base64: version 2, and the first field is its location.
    Token(kind="a package index's token", starts=("pypi-",), body="AgE[A-Za-z0-9_-]{60,1000}"),
    Token(kind="an npm token", starts=("npm_",), body="[A-Za-z0-9]{36}"),
    Token(kind="a Hugging Face token", starts=("hf_",), body="[A-Za-z]{34}"),
    Token(kind="a Docker Hub token", starts=("dckr_pat_", "dckr_oat_"), body="[A-Za-z0-9_-]{27,32}"),
    Token(kind="a DigitalOcean token", starts=("dop_v1_", "doo_v1_", "dor_v1_"), body="[a-f0-9]{64}"),
    Token(kind="a Shopify token", starts=("shpat_", "shpca_", "shppa_", "shpss_"), body="[a-fA-F0-9]{32}"),
    Token(kind="a Grafana token", starts=("glsa_",), body="[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}"),
    Token(kind="a RubyGems key", starts=("rubygems_",), body="[a-f0-9]{48}"),
    Token(kind="an Anthropic key", starts=("sk-ant-",), body="(?:api|admin)[0-9]{2}-[A-Za-z0-9_-]{80,120}"),
    Token(
        kind="an OpenAI key",
        starts=("sk-", "sk-proj-", "sk-svcacct-", "sk-admin-"),
        body="[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100}",
    ),
    Token(kind="a New Relic key", starts=("NRAK-",), body="[A-Z0-9]{27}"),
    Token(kind="a Postman key", starts=("PMAK-",), body="[a-f0-9]{24}-[a-f0-9]{34}"),
    Token(kind=GOOGLE_OAUTH_SECRET, starts=("GOCSPX-",), body="[A-Za-z0-9_-]{28}"),
    Token(kind="an age key", starts=("AGE-SECRET-KEY-",), body="1[02-9AC-HJ-NP-Z]{58}"),
)
_LEAST = 15
"""Characters that follow the start of any token."""


def pattern(last: str, tokens: Iterable[tuple[str, Token]], others: Mapping[str, str]) -> str:
    """A pattern that matches any of the tokens from the last character of its start on.

    That is a character which ``re`` looks for by ``memchr``; the two before it, first each by itself, and the number of
    those after it turn down nearly all that is found, and only then is one token after the other tried.

    Args:
        last: that character.
        tokens: those whose starts end in it are taken; each with the name of its group.
        others: further starts that end in it, and for each a pattern of what comes then.
    """
    chosen = [(group, token) for group, token in tokens if token.starts[0][-1] == last]
    starts = [start for _, token in chosen for start in token.starts]
    before = sorted({start[-3:-1] for start in [*starts, *others]})
    sets = "".join(f"[{re.escape(''.join(sorted(set(characters))))}]" for characters in zip(*before, strict=True))
    guard = "|".join(map(re.escape, before))
    branches = "|".join(f"{_behind(token.starts)}(?P<{group}>{token.body})(?![A-Za-z0-9])" for group, token in chosen)
    more = "".join(f"|{_behind([start])}{body}" for start, body in others.items())
    return f"{last}(?<={sets}{last})(?<=(?:{guard}){last})(?:(?=[A-Za-z0-9_-]{{{_LEAST}}})(?:{branches}){more})"


def _behind(starts: Iterable[str]) -> str:
    return f"(?:{'|'.join(f'(?<=(?<![A-Za-z0-9]){re.escape(start)})' for start in starts)})"
