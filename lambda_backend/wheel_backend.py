"""The PEP 517 backend that makes the wheel; ours adds the Lambda step to it."""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from lambda_backend.errors import WheelBackendError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

__all__ = ["SETUPTOOLS", "SETUPTOOLS_REQUIREMENT", "WheelBackend", "may_require", "names_modules"]

SETUPTOOLS = "setuptools.build_meta"
SETUPTOOLS_REQUIREMENT = "setuptools>=77"
# Packages of common backends that are distributed under another name.
_DISTRIBUTIONS = {"mesonpy": "meson-python", "pdm": "pdm-backend", "poetry": "poetry-core"}


class WheelBackend:
    """A backend by its name in ``build-backend`` notation (``module`` or ``module:object``, PEP 517).

    Args:
        name: such as ``hatchling.build``.
        without_modules: the project is made of entry folders alone, so setuptools shall not look for packages.
        no_packages: folders at the project's top that are no packages, where setuptools looks for them.
        build_base: an empty folder for what setuptools makes on its way; without it, it finds what it left in ``build``
            the last time, and modules among it that the project no longer has.
    """

    def __init__(
        self,
        name: str,
        *,
        without_modules: bool = False,
        no_packages: Collection[str] = (),
        build_base: str | Path | None = None,
    ) -> None:
        self.name = name
        self._without_modules = without_modules
        self._no_packages = tuple(sorted(no_packages))
        self._build_base = build_base

    @property
    def described(self) -> dict[str, Any]:
        """Its arguments, in words that JSON has."""
        return {
            "name": self.name,
            "without_modules": self._without_modules,
            "no_packages": self._no_packages,
            "build_base": None if self._build_base is None else str(self._build_base),
        }

    @property
    def installed(self) -> bool:
        """Whether the backend can be imported here."""
        try:
            return importlib.util.find_spec(self.name.partition(":")[0].partition(".")[0]) is not None
        except ModuleNotFoundError:
            return False

    def has(self, hook: str) -> bool:
        """Whether the backend offers a hook. setuptools, which offers all, is not imported for the answer."""
        return self.name.startswith(SETUPTOOLS) or callable(getattr(self._backend(), hook, None))

    def requires(self, hook: str, config_settings: dict[str, Any]) -> list[str]:
        """What the backend asks for by one of the ``get_requires_for_…`` hooks."""
        get_requires = getattr(self._backend(), hook, None)
        return list(self._call(get_requires, config_settings)) if get_requires else []

    def call(self, hook: str, *arguments: Any) -> str:  # noqa: ANN401 - whatever the hook takes
        """Run a hook that makes something and returns its basename."""
        function = getattr(self._backend(), hook, None)
        if function is None:
            raise WheelBackendError(
                f'tool.lambda.wheel-backend: "{self.name}" has no hook {hook}',
                hint="use a wheel backend that offers it, or another way of installing",
            )
        try:
            return str(self._call(function, *arguments))
        except SystemExit as error:
            # setuptools says so of what it takes for the user's mistakes; numbers are others' business.
            if not isinstance(error.code, str):
                raise
            raise WheelBackendError(
                f"the wheel backend {self.name} failed in {hook}: {error.code}",
                hint="mend what it names; the Lambda step begins after it",
            ) from None

    def _call(self, function: Any, *arguments: Any) -> Any:  # noqa: ANN401 - whatever the hook takes and gives
        with contextlib.ExitStack() as stack:
            if self.name.startswith(SETUPTOOLS):
                if self._without_modules:
                    stack.enter_context(_setuptools_without_discovery())
                if self._build_base:
                    stack.enter_context(_setuptools_builds_in(self._build_base))
                if self._no_packages:
                    stack.enter_context(_setuptools_passes_over(self._no_packages))
            return function(*arguments)

    @functools.cached_property
    def _imported(self) -> Any:  # noqa: ANN401 - a module or an object in it
        module_name, _, path = self.name.partition(":")
        try:
            backend: Any = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not (module_name + ".").startswith(error.name + "."):
                raise
            package = module_name.partition(".")[0]
            distribution = _DISTRIBUTIONS.get(package, package)
            raise WheelBackendError(
                f'tool.lambda.wheel-backend: "{self.name}" cannot be imported: no module {error.name}',
                hint=f"add {distribution} to build-system.requires, or install it for a build without isolation",
            ) from None
        try:
            for attribute in filter(None, path.split(".")):
                backend = getattr(backend, attribute)
        except AttributeError as error:
            raise WheelBackendError(f'tool.lambda.wheel-backend: "{self.name}": {error}') from None
        return backend

    def _backend(self) -> Any:  # noqa: ANN401 - a module or an object in it
        return self._imported


def may_require(root: Path) -> bool:
    """Whether setuptools may ask for something in a project's name, told without starting it."""
    if (root / "setup.py").exists():
        return True
    try:
        # An sdist always has a setup.cfg: setuptools writes one with [egg_info] into it.
        return b"requires" in (root / "setup.cfg").read_bytes()
    except FileNotFoundError:
        return False
    except OSError:
        return True  # for setuptools to complain about


def names_modules(root: Path, table: Mapping[str, Any]) -> bool:
    """Whether a project tells setuptools itself what its modules are; the table is its ``[tool.setuptools]``."""
    import configparser

    if (root / "setup.py").exists():
        return True
    if not {"packages", "py-modules", "package-dir"}.isdisjoint(table):
        return True
    config = configparser.RawConfigParser(strict=False)
    try:
        config.read(root / "setup.cfg", "utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return True  # for setuptools to complain about
    # An sdist always has a setup.cfg: setuptools writes one with [egg_info] into it.
    return any(config.has_option("options", key) for key in ("packages", "py_modules", "package_dir"))


@contextlib.contextmanager
def _setuptools_without_discovery() -> Iterator[None]:
    """Let ``setuptools.setup()`` find no modules.

    A project made only of entry folders has nothing for the wheel, and setuptools' discovery takes those folders for
    packages or refuses the project ("Multiple top-level packages discovered in a flat-layout").
    """
    import setuptools

    setup = setuptools.setup
    setuptools.setup = functools.partial(setup, packages=[], py_modules=[])
    try:
        yield
    finally:
        setuptools.setup = setup


@contextlib.contextmanager
def _setuptools_builds_in(folder: str | Path) -> Iterator[None]:
    """Let ``setuptools.setup()`` use a folder in place of ``build``, unless the project names one itself."""
    import setuptools

    setup = setuptools.setup

    def with_build_base(*, options: Mapping[str, Mapping[str, Any]] | None = None, **attributes: Any) -> Any:  # noqa: ANN401
        ours = {"build_base": str(folder)}
        merged = {**(options or {}), "build": {**ours, **(options or {}).get("build", {})}}
        return setup(options=merged, **attributes)

    setuptools.setup = with_build_base
    try:
        yield
    finally:
        setuptools.setup = setup


@contextlib.contextmanager
def _setuptools_passes_over(folders: Collection[str]) -> Iterator[None]:
    """Let setuptools' discovery take folders for what ``docs`` and ``tests`` are to it: no packages.

    In a flat layout a package beside an entry's folder would else be "Multiple top-level packages discovered".
    """
    from setuptools.discovery import FlatLayoutPackageFinder

    before = FlatLayoutPackageFinder.DEFAULT_EXCLUDE
    more = (pattern for folder in folders for pattern in (folder, f"{folder}.*"))
    FlatLayoutPackageFinder.DEFAULT_EXCLUDE = (*before, *more)
    try:
        yield
    finally:
        FlatLayoutPackageFinder.DEFAULT_EXCLUDE = before
