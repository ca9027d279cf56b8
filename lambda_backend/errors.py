"""The tree of errors that a person can cause or mend.

Every message says what is wrong, where (a key or a path) and what to do next. The hook edge prints the message and
exits; any exception outside this tree is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambda_backend.findings import Finding

__all__ = [
    "BundleError",
    "CheckError",
    "DamagedArchiveError",
    "EngineError",
    "EngineUnavailableError",
    "InstallError",
    "LambdaBackendError",
    "LockError",
    "MissingExtraError",
    "OutputError",
    "SettingsError",
    "StaleLockError",
    "TargetError",
    "WheelBackendError",
]


class LambdaBackendError(Exception):
    """Root of all errors with a message for the person.

    Args:
        message: what is wrong and where; one or more lines.
        hint: what to do next; printed on a line of its own.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def locate(self, key: str) -> None:
        """Put the key of what it happened to before the message, unless the message names a key already."""
        if not self.message.startswith("tool.lambda"):
            self.message = f"{key}: {self.message}"

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  → {self.hint}"


class SettingsError(LambdaBackendError):
    """``[tool.lambda]`` or an override of it is wrong; carries every problem of the table at once.

    Args:
        problems: one line each, starting with the key's full path (``tool.lambda.functions.api.runtime: …``).
    """

    def __init__(self, problems: Sequence[str], *, hint: str | None = None) -> None:
        self.problems = tuple(problems)
        count = f"{len(self.problems)} problems" if len(self.problems) > 1 else "a problem"
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(f"[tool.lambda] has {count}:\n{lines}", hint=hint)


class TargetError(LambdaBackendError):
    """An unknown, preview or unsupported runtime or architecture."""


class WheelBackendError(LambdaBackendError):
    """The wheel backend cannot be imported, lacks a hook, or is ourselves."""


class MissingExtraError(LambdaBackendError):
    """A package that this build uses (``docker``, ``uv``, …) is not installed; names the extra that brings it."""


class LockError(LambdaBackendError):
    """A lock or requirements file cannot be read, or does not hold what the build needs."""


class StaleLockError(LockError):
    """The lock does not cover the dependencies that the project declares."""


class InstallError(LambdaBackendError):
    """Dependencies cannot be resolved, built or installed for the target."""


class EngineError(LambdaBackendError):
    """A container engine failed at a step."""


class EngineUnavailableError(EngineError):
    """The engine does not answer, or its image can be neither found nor pulled; ``auto`` falls back on this one."""


class BundleError(LambdaBackendError):
    """The artefact's contents are impossible: a path outside, a collision, a symlink loop, an empty include."""


class CheckError(LambdaBackendError):
    """Finished artefacts break rules that are errors; carries all findings at once.

    Args:
        findings: each with what it is about, such as ``tool.lambda.functions.api for python3.13-x86_64``.
    """

    def __init__(self, findings: Sequence[tuple[str, Finding]]) -> None:
        lines = []
        for about, finding in findings:
            text = finding.message.replace("\n", "\n    ")
            lines.append(f"  - {about}: [{finding.check}] {text}")
            if finding.hint:
                lines.append(f"    → {finding.hint}")
        checks = sorted({finding.check for _, finding in findings})
        count = f"{len(findings)} checks fail" if len(findings) > 1 else "a check fails"
        super().__init__(
            f"{count}, so nothing was written:\n" + "\n".join(lines),
            hint=f'mend it, or set {" and ".join(f"tool.lambda.checks.{name}" for name in checks)} to "warn"',
        )


class DamagedArchiveError(BundleError):
    """An archive in the cache is not what was written there; without it, it is made anew."""


class OutputError(LambdaBackendError):
    """The output folder cannot be written."""
