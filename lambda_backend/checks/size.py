"""Lambda's limits of size and number, and the user's own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lambda_backend.checks.model import Problem
from lambda_backend.targets import limits
from lambda_backend.units import human_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lambda_backend.checks.model import Subject

__all__ = ["check"]

_LISTED = 10
_RUNTIME_HAS = ("boto3", "botocore", "s3transfer", "jmespath")
_TESTS = ("/tests/", "/test/")


def check(subject: Subject) -> Iterator[Problem]:
    """Source: AWS documentation, "Lambda quotas"."""
    fixed = limits()
    if len(subject.layers) > fixed.layers_per_function:
        yield Problem(
            message=f"{len(subject.layers)} layers; Lambda takes {fixed.layers_per_function} for a function",
            hint="put two layers into one",
        )
    together = "with its layers, " if subject.layers else ""
    unzipped = sum(part.unzipped_size for part in subject.everything)
    for limit, whose in ((fixed.unzipped_bytes, "Lambda takes"), (subject.max_size, "max-size is")):
        if limit is not None and unzipped > limit:
            yield Problem(
                message=f"{together}{unzipped:,} bytes ({human_size(unzipped)}) unzipped, {unzipped - limit:,} more "
                f"than {whose} {limit:,}; the largest:\n{_largest(subject.everything)}",
                hint=_hint(subject.everything),
            )
    if subject.zip_size > fixed.direct_upload_bytes:
        yield Problem(
            message=f"{human_size(subject.zip_size)} zipped, and a direct upload takes "
            f"{human_size(fixed.direct_upload_bytes)}",
            hint="upload it by S3, as deployment tools do",
            warns=True,
        )


def _largest(parts: Iterable[Subject]) -> str:
    sizes: Counter[str] = Counter()
    for part in parts:
        for file in part.files.values():
            sizes[file.owner or "other files"] += file.size
    width = max((len(name) for name, _ in sizes.most_common(_LISTED)), default=0)
    return "\n".join(f"  {name.ljust(width)}  {human_size(size)}" for name, size in sizes.most_common(_LISTED))


def _hint(parts: Iterable[Subject]) -> str:
    """What would shrink them, and by how much."""
    files = [file for part in parts for file in part.files.values()]
    advice = []
    if given := sum(file.size for file in files if file.owner in _RUNTIME_HAS):
        advice.append(f"omit what the runtime has (boto3, botocore: {human_size(given)})")
    if compiled := sum(file.size for file in files if file.path.endswith(".pyc")):
        advice.append(f"leave out bytecode ({human_size(compiled)})")
    if objects := sum(file.size for file in files if ".so" in file.path):
        advice.append(f"strip shared objects ({human_size(objects)})")
    if tests := sum(file.size for file in files if any(part in f"/{file.path}" for part in _TESTS)):
        advice.append(f"exclude tests ({human_size(tests)})")
    return "; ".join([*advice, "see with `lambda-backend inspect` what else is in it"])
