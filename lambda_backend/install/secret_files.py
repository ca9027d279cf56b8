"""Files of the host that only the installation sees: ``bundling.secrets``."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lambda_backend.engines.protocol import Mount
from lambda_backend.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lambda_backend.settings.model import Secret

__all__ = ["host_path", "secret_mounts"]

_DEFAULT = PurePosixPath("/run/secrets")
"""Where image builds have theirs too."""
_HOME = PurePosixPath("/tmp")  # noqa: S108 - the host's user has no home in a container


def host_path(text: str, environ: Mapping[str, str], root: Path) -> Path:
    """A path of the host, as a person writes it: relative to the project, or to the user's folder by ``~``."""
    home = environ.get("HOME")
    path = Path(text)
    if home and path.parts[:1] == ("~",):
        return Path(home, *path.parts[1:])
    return root / path.expanduser()


def secret_mounts(
    secrets: Sequence[Secret], environ: Mapping[str, str], *, root: Path, home: str | None, key: str
) -> tuple[Mount, ...]:
    """What lets a container see the files.

    Args:
        secrets: filled in.
        environ: of the host.
        root: the project's folder.
        home: the home folder of the container's user, where the settings name one.
        key: path of the setting, for messages.

    Raises:
        SettingsError: a file is not there or cannot be read, or two have one place; says all of it at once.
    """
    problems: list[str] = []
    mounts: dict[PurePosixPath, Mount] = {}
    for index, secret in enumerate(secrets):
        here = f"{key}[{index}]"
        target = _target(secret, PurePosixPath(home) if home else _HOME)
        if not target.is_absolute():
            problems.append(f"{here}.target: {target} is relative; expected a path in the container, such as /run/x")
        if target in mounts:
            problems.append(f"{here}.target: {target} is the place of another secret already")
        try:
            path = host_path(secret.source, environ, root).resolve()
            with path.open("rb"):
                pass
        except (OSError, RuntimeError) as error:  # RuntimeError: ~user of nobody
            reason = error.strerror if isinstance(error, OSError) else error
            problems.append(f"{here}.source: {secret.source} cannot be read: {reason}")
            continue
        mounts[target] = Mount(source=path, target=target, read_only=True)
    if problems:
        raise SettingsError(problems)
    return tuple(mounts.values())


def _target(secret: Secret, home: PurePosixPath) -> PurePosixPath:
    if secret.target is None:
        return _DEFAULT / secret.id
    target = PurePosixPath(secret.target)
    return home.joinpath(*target.parts[1:]) if target.parts[:1] == ("~",) else target
