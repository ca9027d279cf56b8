"""The workloads. Each lock is whole and pinned, so that every contestant installs the same."""

from __future__ import annotations

from benchmarks.model import Bump, Function, Workload

__all__ = ["WORKLOADS"]

_CERTIFI = Bump(
    name="certifi",
    versions=(
        *("2026.10.19.post1", "2025.1.31", "2024.12.14", "2024.8.30", "2024.7.4", "2024.6.2", "2024.2.2"),
        *("2023.11.17", "2023.7.22", "2023.5.7", "2022.12.7", "2022.9.24", "2022.6.15", "2021.10.8"),
    ),
)
_IDNA = Bump(name="idna", versions=("3.20", "3.10", "3.9", "3.8", "3.7", "3.6", "3.4", "3.3", "3.2", "3.1", "3.0"))
_TZDATA = Bump(
    name="tzdata",
    versions=("2026.6", "2025.2", "2025.1", "2024.2", "2024.1", "2023.4", "2023.3", "2023.2", "2022.7", "2022.6"),
)
_CLICK = Bump(
    name="click",
    versions=("8.5.1", "8.4.2", "8.3.3", "8.2.1", "8.1.8", "8.1.7", "8.1.6", "8.1.5", "8.1.4", "8.1.3", "8.1.2"),
)
_JINJA2 = Bump(
    name="jinja2", versions=("3.1.6", "3.1.5", "3.1.4", "3.1.3", "3.1.2", "3.1.1", "3.1.0", "3.0.3", "3.0.2")
)

_REQUESTS = (
    "certifi==2026.10.19.post1",
    "charset-normalizer==3.5.3",
    "idna==3.20",
    "requests==2.34.2",
    "urllib3==2.8.0",
)
_PYDANTIC = (
    "annotated-types==0.8.0",
    "pydantic==2.14.4",
    "pydantic-core==2.50.5",
    "typing-extensions==4.16.0",
    "typing-inspection==0.4.5",
)
_FASTAPI = (
    *_PYDANTIC,
    "annotated-doc==0.0.7",
    "anyio==4.16.0",
    "fastapi==0.165.0",
    "idna==3.20",
    "mangum==0.22.0",
    "opentelemetry-api==1.45.2",
    "starlette==1.10.0",
)
_BOTO3 = (
    "boto3==1.44.8",
    "botocore==1.44.8",
    "jmespath==1.1.0",
    "python-dateutil==2.9.0.post0",
    "s3transfer==0.19.3",
    "six==1.17.0",
    "urllib3==2.8.0",
)
_HTTPX = (
    "anyio==4.16.0",
    "certifi==2026.10.19.post1",
    "h11==0.16.0",
    "httpcore==1.0.9",
    "httpx==0.28.1",
    "idna==3.20",
    "typing-extensions==4.16.0",
)
_JINJA = ("jinja2==3.1.6", "markupsafe==3.0.4")
_RICH = (
    "attrs==26.1.0",
    "click==8.5.1",
    "markdown-it-py==4.3.0",
    "mdurl==0.1.2",
    "pygments==2.21.0",
    "rich==15.0.0",
)
_DATA = (
    "numpy==2.5.5",
    "pandas==3.1.1",
    "python-dateutil==4.0.0",
    "scipy==1.18.1",
    "tzdata==2026.6",
)

_SETS = (
    (("requests",), _REQUESTS),
    (("httpx",), _HTTPX),
    (("jinja2", "yaml"), (*_JINJA, "pyyaml==6.0.4")),
    (("attrs", "click", "rich"), _RICH),
    (("pydantic",), _PYDANTIC),
)
"""Five dependency sets: what is imported, and the lock."""
_TEN = (
    *_SETS,
    (("fastapi", "mangum"), _FASTAPI),
    (("boto3",), _BOTO3),
    (("numpy",), ("numpy==2.5.5",)),
    (("dateutil", "six"), ("python-dateutil==2.9.0.post0", "six==1.17.0", "tzdata==2026.6")),
    (("certifi", "idna", "urllib3"), ("certifi==2026.10.19.post1", "idna==3.20", "urllib3==2.8.0")),
)


def shared(count: int) -> tuple[Function, ...]:
    """Functions that take the five sets in turn."""
    if count == 1:
        return _one(*_SETS[0])
    return tuple(
        Function(name=f"f{number:03}", imports=_SETS[number % 5][0], pins=_SETS[number % 5][1])
        for number in range(count)
    )


def _one(imports: tuple[str, ...], pins: tuple[str, ...]) -> tuple[Function, ...]:
    # lambda-backend's name for the one function of a project.
    return (Function(name="function", imports=imports, pins=pins),)


WORKLOADS = (
    Workload(key="W1", title="requests", functions=_one(("requests",), _REQUESTS), bump=_CERTIFI),
    Workload(
        key="W2",
        title="fastapi, mangum, pydantic, boto3",
        functions=_one(("boto3", "fastapi", "mangum", "pydantic"), tuple(dict.fromkeys((*_FASTAPI, *_BOTO3)))),
        bump=_IDNA,
    ),
    Workload(
        key="W3",
        title="numpy, pandas, scipy",
        functions=_one(("numpy", "pandas", "scipy.optimize"), _DATA),
        bump=_TZDATA,
    ),
    Workload(
        key="W4",
        title="C code from an sdist",
        functions=_one(("jinja2", "markupsafe._speedups"), _JINJA),
        bump=_JINJA2,
        compiles=True,
        options=("--no-binary markupsafe",),
    ),
    Workload(
        key="W5",
        title="ten functions with dependencies of their own",
        functions=tuple(
            Function(name=f"f{number:03}", imports=imports, pins=pins) for number, (imports, pins) in enumerate(_TEN)
        ),
        bump=_CLICK,
    ),
    Workload(key="W6", title="200 functions over five dependency sets", functions=shared(200), bump=_CLICK),
)
