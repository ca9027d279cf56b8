from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_backend.errors import LockError
from lambda_backend.requirements.requirements_txt import RequirementsFile, parse

HASH = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def read(root: Path, text: str, name: str = "requirements.txt") -> RequirementsFile:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return parse(path, root)


def problems(root: Path, text: str) -> str:
    with pytest.raises(LockError) as error:
        read(root, text)
    return error.value.message


def test_plain_lines(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "\ufeff# comment\n\nidna==3.10 # why\nRequests [socks, use_chardet_on_py3] >=2 ; python_version > '3'\n"
        "a\\\n==1\n",
    )
    idna, requests, a = found.lines
    assert (idna.name, idna.text, idna.where) == ("idna", "idna==3.10", "requirements.txt:3")
    assert requests.extras == ("socks", "use_chardet_on_py3")
    assert requests.marker == 'python_version > "3"'
    assert a.requirement is not None
    assert (str(a.requirement), a.where) == ("a==1", "requirements.txt:5")
    assert found.files == (tmp_path / "requirements.txt",)
    assert not found.requires_hashes
    assert found.text().splitlines()[0] == "idna==3.10"


def test_comment_ends_a_continuation_and_file_may_end_in_one(tmp_path: Path) -> None:
    assert [line.text for line in read(tmp_path, "a==1 \\\n# comment\nb \\\n").lines] == ["a==1", "b"]


def test_options_are_kept_and_handed_on(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    found = read(
        tmp_path,
        "-i https://u:${TOKEN}@example.com/simple\n--extra-index-url=https://example.org/simple\n-fwheels\n"
        "--no-index --pre\n--prefer-binary\n--no-binary :all:\n--only-binary=idna\n--trusted-host example.com\n"
        "--find-links https://example.com/links\n",
    )
    assert dict(found.options)["--index-url"] == "https://u:${TOKEN}@example.com/simple"
    assert ("--find-links", "./wheels") in found.options
    assert found.local_paths == (tmp_path / "wheels",)
    assert "--find-links ./wheels\n--no-index\n" in found.text()
    assert "--pre" not in found.text()
    assert "TOKEN" not in repr(found)


def test_nested_files_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "deps/lib").mkdir(parents=True)
    (tmp_path / "deps/more.txt").write_text("-e ./lib[x] ; python_version > '3'\n-r ../requirements.txt\n-c pins.txt\n")
    (tmp_path / "deps/pins.txt").write_text("idna==3.10\n")
    found = read(tmp_path, "-r deps/more.txt\n-r deps/pins.txt\n")
    lib, idna = found.lines
    assert idna.where == "deps/pins.txt:1"
    assert (lib.path, lib.editable, lib.extras, lib.name) == ("deps/lib", True, ("x",), None)
    assert found.text() == '-e ./deps/lib[x] ; python_version > "3"\nidna==3.10\n'
    assert found.constraints_text() == "idna==3.10\n"
    assert [path.name for path in found.files] == ["requirements.txt", "more.txt", "pins.txt"]
    assert found.local_paths == (tmp_path / "deps/lib",)


def test_urls_and_archives(tmp_path: Path) -> None:
    (tmp_path / "a-1-py3-none-any.whl").touch()
    (tmp_path / "b-1.tar.gz").touch()
    (tmp_path / "my lib").mkdir()
    found = read(
        tmp_path,
        "a-1-py3-none-any.whl\nfile:b-1.tar.gz\n"
        f"c[x] @ https://user:secret@example.com/c.zip#{HASH.replace(':', '=')} ; python_version > '3'\n"
        f"git+https://example.com/r@main#egg=Dee_D\nhttps://example.com/main.zip --hash={HASH}\n"
        f"z @ file://{tmp_path.as_posix()}/my%20lib\nhttps://example.com/x-y-py3-none-any.whl --hash={HASH}\n"
        f"file:b-1.tar.gz --hash={HASH}\na-1-py3-none-any.whl --hash={HASH}\n".replace(
            "a-1-py3-none-any.whl\nfile:b-1.tar.gz\n", "", 1
        ).replace(
            "git+https://example.com/r@main#egg=Dee_D\n", f"git+https://example.com/r@main#egg=Dee_D --hash={HASH}\n"
        ),
    )
    by = {line.name: line for line in found.lines}
    assert by["c"].url == "https://example.com/c.zip"
    assert by["c"].extras == ("x",)
    assert by["c"].hashes == {HASH}
    assert by["dee-d"].url == "git+https://example.com/r@main"
    assert by["z"].path == "my lib"
    assert by["b"].path == "b-1.tar.gz"
    assert by["a"].path == "a-1-py3-none-any.whl"
    assert found.hashes[""] == {HASH}
    assert "secret" not in repr(found)
    assert "c[x] @ https://user:secret@example.com/c.zip" in found.text()


def test_hashes_by_name(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "c.txt").write_text(f"b==1 --hash={OTHER}\n")
    found = read(tmp_path, f"-c c.txt\na==1 \\\n  --hash={HASH} \\\n  --hash {OTHER.upper()}\nb\n./lib\n")
    assert found.requires_hashes
    assert found.hashes == {"a": {HASH, OTHER}, "b": {OTHER}}


def test_missing_hashes_are_named_all_at_once(tmp_path: Path) -> None:
    message = problems(tmp_path, f"a==1 --hash={HASH}\nb==1\nhttps://u:secret@example.com/main.zip\n")
    assert "requirements.txt:2: missing hash for b" in message
    assert "requirements.txt:3: missing hash for https://***@example.com/main.zip" in message
    assert "missing hash for a" in problems(tmp_path, "--require-hashes\na==1\n")


def test_bad_lines_are_named_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"\xff")
    (tmp_path / "folder.txt").mkdir()
    lines = [
        ("== 1", "'== 1' is no requirement, path or URL"),
        ("--frob=https://u:secret@example.com", "unknown option --frob"),
        ("--index-url", "--index-url lacks its value"),
        ("--index-url 'x", "a quote is not closed"),
        ("a ; nonsense", "'a ; nonsense' is no requirement" if False else "'nonsense' is no marker"),
        ("a --hash=md5:ff", "'md5:ff' is no hash"),
        (f"--hash={HASH}", "--hash without a requirement"),
        ("a --pre", "a requirement takes no other option than --hash"),
        ("-e a", "-e takes a folder or a repository"),
        ("../x", "../x leaves the project"),
        ("./x", "./x does not exist"),
        ("./${X}", "./${X}: variables may stand in URLs, not in paths"),
        (
            "-r https://u:secret@example.com/r.txt",
            "https://***@example.com/r.txt: only files of the project can be read",
        ),
        ("-r latin.txt", "latin.txt is not encoded in UTF-8"),
        ("-r folder.txt", "cannot read folder.txt"),
        ("-r ../outside.txt", "../outside.txt leaves the project"),
    ]
    message = problems(tmp_path, "".join(f"{line}\n" for line, _ in lines))
    for number, (_, expected) in enumerate(lines, start=1):
        assert f"requirements.txt:{number}: {expected}" in message
    assert "secret" not in message


def test_symlink_out_of_the_project(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "out").mkdir()
    (root / "link").symlink_to(tmp_path / "out")
    assert "./link leaves the project" in problems(root, "./link\n")
    (tmp_path / "r.txt").write_text("")
    with pytest.raises(LockError, match="leaves the project"):
        parse(tmp_path / "r.txt", root)


@pytest.mark.parametrize(
    "line",
    ["a" + " " * 60_000 + "!", f"a @ {'b' * 60_000}{' ' * 60_000}x", f"a; {'(' * 3000}os_name == 'x'{')' * 3000}"],
)
def test_hostile_lines_are_refused_quickly(tmp_path: Path, line: str) -> None:
    assert "requirements.txt:1: " in problems(tmp_path, line)


WORDS = st.sampled_from(
    [
        *("idna", "==3", "-r", "-e", "-c", "-f", "--hash", "=", "sha256:", "./", "../", "file:", "https://", "@", ";"),
        *("[", "]", "#", "'", "extra", ">", "-", ".whl", "%00", "os_name", "${X}", " ", "\\\n", "\n", "\0"),
    ]
)


@given(
    st.one_of(
        st.lists(WORDS | st.text(max_size=3)).map("".join).map(lambda text: text.encode("utf-8", "replace")),
        st.binary(),
    )
)
def test_nothing_but_lock_errors(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "requirements.txt")
        path.write_bytes(text)
        with contextlib.suppress(LockError):
            parse(path, Path(folder)).text()
