from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lambda_backend.bundle.ignore import IgnoreFile
from lambda_backend.errors import BundleError

PATHS = st.lists(st.sampled_from(["a", "b", "ab", ".c", "a.py"]), min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("lines", "out", "kept"),
    [
        # A pattern starts at the root, and what it matches takes along what is below.
        (["docs"], ["docs", "docs/a/b.md"], ["src/docs", "docs2"]),
        (["/docs/"], ["docs", "docs/a"], ["src/docs"]),
        (["*.pyc"], ["a.pyc", "x.pyc/below"], ["src/a.pyc"]),
        (["*/temp*"], ["a/temp", "a/temporary/x"], ["temp", "a/b/temp"]),
        (["a//b/../c"], ["a/c"], ["a/b", "a"]),
        (["temp?"], ["tempa"], ["temp", "temp/a", "tempab"]),
        # ** is any number of folders, none among them.
        (["**/*.pyc"], ["a.pyc", "a/b/c.pyc"], ["a.py"]),
        (["**/.foo"], [".foo", "a/.foo"], ["bar.foo"]),
        (["a/**/b"], ["a/b", "a/x/y/b", "a/x/b/c"], ["b", "a/xb"]),
        (["a/**"], ["a/x", "a/x/y"], ["a", "ab/x"]),
        (["a**/b"], ["ab", "a/b", "ax/y/b"], ["axb"]),
        (["**"], ["a", "a/b"], []),
        (["**file"], ["file", "a/myfile"], ["file1"]),
        (["**fil?"], ["file", "a/file"], ["a/myfile"]),
        # Sets, escapes, and letters that mean something to regular expressions.
        (["a[b-d]e", "x[^y]z"], ["ace", "xaz"], ["aae", "xyz"]),
        ([r"a\*b", r"[\]]", r"[\-x]"], ["a*b", "]", "-"], ["aab", "b", "w"]),
        (["[a&&b]", "[[]", "[a~]"], ["&", "[", "~"], ["]", "c"]),
        (["a.b+(c){2}$|^"], ["a.b+(c){2}$|^"], ["axb"]),
        # The last line that matches decides; ! takes back wherever it lies.
        (["*", "!src"], ["a", "docs/b"], ["src", "src/deep/er.py"]),
        (["docs", "!docs/README.md"], ["docs/a"], ["docs/README.md"]),
        (["*.md", "!README*.md", "README-secret.md"], ["a.md", "README-secret.md"], ["README.md"]),
        (["!docs", "docs"], ["docs/a"], []),
        (["**", "! util/web ", "util/web/x"], ["util/a", "util/web/x/y"], ["util/web/y"]),
        # What is no pattern.
        (["# a", "", "   ", "."], [], ["# a", "a", " "]),
        ([" #a"], ["#a"], ["a"]),
        (["../x", "/"], [], ["x"]),
        (["\ufeffa"], ["a"], []),
    ],
)
def test_docker_s_rules(lines: list[str], out: list[str], kept: list[str]) -> None:
    ignore = IgnoreFile("\r\n".join(lines))
    assert [path for path in [*out, *kept] if ignore.excluded(path)] == out


@pytest.mark.parametrize("line", ["!", "! ", "[", "a[", "[]a]", "[^", "[z-a]", "a\\"])
def test_a_line_that_is_no_pattern_is_told_by_its_number(line: str) -> None:
    with pytest.raises(BundleError, match=r"the file, line 3: .* is no pattern") as caught:
        IgnoreFile(f"a\n# b\n{line}\n", name="the file")
    assert repr(line.strip()) in caught.value.message


def test_names_are_compared_as_artefacts_have_them() -> None:
    assert IgnoreFile("cafe\u0301").excluded("caf\u00e9")


def test_only_a_line_about_the_path_itself_names_it() -> None:
    ignore = IgnoreFile("*\n!src\n!lib/.venv\n")
    assert ignore.takes_back
    assert ignore.names("src")
    assert ignore.names("lib/.venv")
    assert not ignore.names("src/.venv")


@given(pattern=st.text("ab*?/.![]^\\-#", max_size=8), path=PATHS)
def test_any_line_is_a_pattern_or_an_error_of_ours(pattern: str, path: str) -> None:
    try:
        ignore = IgnoreFile(pattern)
    except BundleError:
        return
    assert not (ignore.excluded(path) and not ignore.excluded(f"{path}/below"))


@given(path=PATHS, other=PATHS)
@example(path="a", other="a/b")
def test_a_path_is_a_pattern_of_itself_and_of_what_is_below(path: str, other: str) -> None:
    assert IgnoreFile(path).excluded(other) == (other == path or other.startswith(f"{path}/"))
    assert IgnoreFile(f"*\n!{path}").excluded(other) != (other == path or other.startswith(f"{path}/"))
    assert IgnoreFile(f"**/{path}").excluded(f"x/{path}")
