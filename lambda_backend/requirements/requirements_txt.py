"""requirements.txt files, as pip reads them.

Two things differ from pip, both for the better of whoever moves a project: a relative path is relative to the file that
names it (pip takes the folder it was started in), and nothing outside the project may be named. Environment variables
(``${TOKEN}``) are understood and never filled in: whoever resolves the text does that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambda_backend.errors import LockError
from lambda_backend.patterns import pattern
from lambda_backend.requirements.places import inside
from lambda_backend.requirements.requirement_line import (
    BadLineError,
    RequirementLine,
    local_path,
    requirement_line,
    split,
)
from lambda_backend.settings.interpolate import redact_urls
from lambda_backend.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


__all__ = ["RequirementsFile", "logical_lines", "parse"]

# What uv reads in a requirements file; of the others `compile_command` says in uv's words what uv has words for.
_FOR_UV = frozenset({"--index-url", "--extra-index-url", "--find-links", "--no-index", "--no-binary", "--only-binary"})
_COMMENT = pattern(r"(?:^|(?<=\s))#.*$")


class RequirementsFile(Value):
    """A requirements file and all that it names."""

    lines: tuple[RequirementLine, ...]
    """Requirements, also of nested files."""
    constraints: tuple[RequirementLine, ...]
    options: tuple[tuple[str, str | None], ...] = field(repr=False)
    """Global options by their long names, ``--find-links`` relative to the root; values may hold secrets."""
    files: tuple[Path, ...]
    """Every file that was read."""
    local_paths: tuple[Path, ...]
    """Every folder and archive that is named, ``--find-links`` included."""
    hashes: Mapping[str, frozenset[str]]
    """Allowed hashes by name, for names that have any; of archives without a name below the empty one."""
    requires_hashes: bool

    def text(self) -> str:
        """One requirements text for uv's stdin, with paths relative to the root; constraints and hashes left out.

        uv does not hold hashes against what it locks: ``pylock.select`` does. The text may hold secrets.
        """
        options = [
            option if value is None else f"{option} {value}" for option, value in self.options if option in _FOR_UV
        ]
        return "".join(f"{line}\n" for line in [*options, *(line.text for line in self.lines)])

    def constraints_text(self) -> str:
        """The constraints in the same form, for a file of their own; empty when there are none."""
        return "".join(f"{line.text}\n" for line in self.constraints)


def parse(path: Path, root: Path) -> RequirementsFile:
    """Read a requirements file and every file it names.

    Args:
        path: of the file.
        root: the project's folder, which nothing may leave.

    Raises:
        LockError: with every bad line of every file at once.
    """
    reader = _Reader(root)
    reader.read(path, constraint=False, named_by=None)
    lines = tuple(line for line in reader.lines if not line.constraint)
    hashes: dict[str, frozenset[str]] = {}
    for line in reader.lines:
        if line.hashes:
            name = line.name or ""
            hashes[name] = hashes.get(name, frozenset()) | line.hashes
    required = any(line.hashes for line in lines) or ("--require-hashes", None) in reader.options
    if required:
        reader.problems += [
            f"{line.where}: missing hash for {line.name or line.path or redact_urls(line.text)}"
            for line in lines
            if not (line.hashes or line.name in hashes or _is_folder(line, root))
        ]
    if reader.problems:
        listed = "\n".join(f"  - {problem}" for problem in reader.problems)
        raise LockError(f"{path.name} cannot be used:\n{listed}")
    return RequirementsFile(
        lines=lines,
        constraints=tuple(line for line in reader.lines if line.constraint),
        options=tuple(reader.options),
        files=tuple(reader.files),
        local_paths=tuple(dict.fromkeys(reader.local_paths)),
        hashes=hashes,
        requires_hashes=required,
    )


def _is_folder(line: RequirementLine, root: Path) -> bool:
    # pip refuses folders in hash-checking mode. Here they are part of the project, whose files nobody hashes either;
    # `uv export` and `pip-compile` write them among hashed lines.
    return line.path is not None and (root / line.path).is_dir()


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and content of each line that says something: continuations joined, comments taken out, as pip does it."""
    for number, raw in _joined(text):
        if line := _COMMENT.sub("", raw).strip():
            yield number, line


def _joined(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    parts: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        start = start if parts else number
        is_comment = line.lstrip().startswith("#")
        # pip: a comment line within a continuation ends it, and is a comment.
        parts.append(f" {line}" if is_comment and parts else line)
        if line.endswith("\\") and not is_comment:
            parts[-1] = line[:-1]
            continue
        yield start, "".join(parts)
        parts = []
    if parts:
        yield start, "".join(parts)


class _Reader:
    """Collects what the files say, and all that is wrong with them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lines: list[RequirementLine] = []
        self.options: list[tuple[str, str | None]] = []
        self.files: list[Path] = []
        self.local_paths: list[Path] = []
        self.problems: list[str] = []
        self._seen: set[tuple[Path, bool]] = set()

    def read(self, path: Path, *, constraint: bool, named_by: str | None) -> None:
        where = named_by or path.name
        if not inside(path, self.root):
            self.problems.append(f"{where}: {path.name} leaves the project")
            return
        try:
            key = (path.resolve(), constraint)
            if key in self._seen:
                return
            self._seen.add(key)
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            self.problems.append(f"{where}: {path.name} is not encoded in UTF-8")
            return
        except (OSError, ValueError, RuntimeError):
            self.problems.append(f"{where}: cannot read {path.name}")
            return
        if path not in self.files:
            self.files.append(path)
        for number, line in logical_lines(text):
            place = f"{self._shown(path)}:{number}"
            try:
                self._line(line, place, path.parent, constraint=constraint)
            except BadLineError as error:
                self.problems.append(f"{place}: {error}")

    def _line(self, line: str, where: str, base: Path, *, constraint: bool) -> None:
        text, editable, options = split(line)
        hashes = [str(value) for option, value in options if option == "--hash"]
        if text or editable:
            if len(options) > len(hashes):
                raise BadLineError("a requirement takes no other option than --hash")
            line_read = requirement_line(
                text,
                where=where,
                base=base,
                root=self.root,
                hashes=hashes,
                editable=editable,
                constraint=constraint,
            )
            self.lines.append(line_read)
            if line_read.path is not None:
                self.local_paths.append(self.root / line_read.path)
            return
        if hashes:
            raise BadLineError("--hash without a requirement")
        for option, value in options:
            self._option(option, value, where, base, constraint=constraint)

    def _option(self, option: str, value: str | None, where: str, base: Path, *, constraint: bool) -> None:
        if option in {"--requirement", "--constraint"}:
            named = str(value)
            if "://" in named:
                raise BadLineError(f"{redact_urls(named)}: only files of the project can be read")
            nested = self.root / local_path(named, base, self.root)
            self.read(nested, constraint=constraint or option == "--constraint", named_by=where)
        elif option == "--find-links" and "://" not in str(value).replace("file://", ""):
            links = local_path(str(value), base, self.root)
            self.local_paths.append(self.root / links)
            self.options.append((option, f"./{links}"))
        else:
            self.options.append((option, value))

    def _shown(self, path: Path) -> str:
        return path.resolve().relative_to(self.root.resolve()).as_posix()
