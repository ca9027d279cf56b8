"""Widely used packages, installed with all that they depend on, and looked through for credentials: there are none.

    python tests/good_libraries.py > docs/reference/good-libraries.md

Needs a package index. Those of ``tests/good_packages.py`` are taken too. What the check *secrets* finds in any of them
is a false alarm, or somebody's leak; it ends with code 1 then. Packages as arguments make a smaller run.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from lambda_backend.checks.secrets import check
from lambda_backend.targets import target
from tests.good_packages import PACKAGES, examined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.good_packages import Outcome

LIBRARIES = (
    *("acme", "aiobotocore", "alembic", "ansible-core", "anthropic", "apache-airflow-core", "asyncssh", "authlib"),
    *("aws-cdk-lib", "aws-lambda-powertools", "aws-sam-cli", "awscli", "azure-cosmos", "azure-identity"),
    *("azure-keyvault-secrets", "azure-servicebus", "azure-storage-blob", "boto3", "botocore", "build", "celery"),
    *("certbot", "cfn-lint", "checkov", "cookiecutter", "dask", "datadog", "detect-secrets", "distributed", "django"),
    *(
        "djangorestframework",
        "docker",
        "elasticsearch",
        "fabric",
        "fastapi",
        "flask",
        "gcsfs",
        "google-api-python-client",
    ),
    *(
        "google-auth",
        "google-cloud-bigquery",
        "google-cloud-pubsub",
        "google-cloud-storage",
        "httpx",
        "huggingface-hub",
    ),
    *("ipython", "jinja2", "jupyter-server", "kafka-python", "keyring", "kubernetes", "langchain", "ldap3", "mangum"),
    *("minio", "mitmproxy", "mlflow", "moto", "mysql-connector-python", "openai", "paramiko", "pika", "pip", "pipenv"),
    *("poetry", "pre-commit", "psycopg", "pulumi", "pygithub", "pyjwt", "pymysql", "pytest", "python-dotenv"),
    *("python-gitlab", "python-jose", "redis", "requests", "requests-oauthlib", "s3fs", "scrapy", "sendgrid"),
    *("sentry-sdk", "slack-sdk", "smart-open", "snowflake-connector-python", "sphinx", "sqlmodel", "starlette"),
    *("streamlit", "stripe", "tornado", "tox", "transformers", "trustme", "tweepy", "twilio", "twine", "twisted"),
    *("urllib3", "virtualenv", "werkzeug", "wheel"),
)


def page(outcomes: Sequence[Outcome]) -> str:
    """The reference page."""
    installed = sorted((outcome for outcome in outcomes if outcome.version), key=lambda outcome: outcome.package)
    lacking = sorted(outcome.package for outcome in outcomes if not outcome.version)
    found = [outcome for outcome in installed if outcome.problems]
    files = sum(len(outcome.sizes) for outcome in installed)
    size = sum(map(sum, (outcome.sizes for outcome in installed)))
    return "\n".join(
        [
            "# Packages that were looked through for credentials",
            "",
            f"Made by `python tests/good_libraries.py`: the newest version for {installed[0].target.name}, with all",
            'that it depends on, as a build with `engine = "host"` installs it, and the check *secrets* on every file.',
            "",
            f"{len(installed)} packages, {files:,} files, {size / 1e9:.1f} GB: {len(found)} with a finding.",
            *([f"No wheels for the runtime: {', '.join(lacking)}."] if lacking else []),
            "",
            "| package | version | files with its dependencies | MB |",
            "|---|---|---|---|",
            *(
                f"| {outcome.package} | {outcome.version} | {len(outcome.sizes):,} | {sum(outcome.sizes) / 1e6:.1f} |"
                for outcome in installed
            ),
            *(f"\n**{one.package}**: {'; '.join(problem.message for problem in one.problems)}" for one in found),
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", default=sorted({*PACKAGES, *LIBRARIES}))
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args(argv)
    outcomes = []
    for outcome in examined(target("python3.13", "x86_64"), arguments.packages, arguments.jobs, check):
        outcomes.append(outcome)
        found = "; ".join(problem.message for problem in outcome.problems)
        sys.stderr.write(f"{outcome.package} {outcome.version or 'no wheel'} {found}\n")
    sys.stdout.write(page(outcomes) + "\n")
    return int(any(outcome.problems for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
