"""The page of ``inspect --html`` in a real browser."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from lambda_backend.archive.contents import contents
from lambda_backend.report.packages import packages, tree
from lambda_backend.units import human_size
from tests.helpers.browser import Browser, browser
from tests.helpers.machine import example

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lambda_backend.report.packages import Package
    from tests.helpers.machine import Machine

FIRST_PAINT = 3000  # milliseconds, of a page of 30,000 files on a busy machine
MOST_BYTES = 3_000_000
ESCAPE, ENTER, RIGHT, TAB = ("Escape", 27), ("Enter", 13), ("ArrowRight", 39), ("Tab", 9)
NAMES = [*(pytest.param(name, marks=pytest.mark.network) for name in ("example", "uv")), "nasty", "many"]
NASTY = (
    "</script><img src=x onerror=window.broken=1>.py",
    "<img src=x onerror=window.broken=1>.py",
    "\"'><svg onload=window.broken=1>.py",
    "javascript:window.broken=1",
    "&lt;b&gt;&amp;.py",
    "<!--",
    "]]>",
    "__proto__/constructor/toString.py",
    "\u202egnp.exe",
    "\x1b[31mred\x1b[0m.py",
    "two\nlines.py",
    "日本語/ファイル 😀.py",
    "$figures ${style}",
    "../../etc/passwd",
    "/absolute//double.py",
    "#/%2e%2e?x=%.py",
    "long" * 500,
    "deep/" * 400 + "file.py",
)


LOADING = """
    async (port) => {
      const broken = [];
      document.addEventListener("securitypolicyviolation", (event) => broken.push(event.effectiveDirective));
      await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1000) }).catch(() => {});
      const image = document.createElement("img");
      image.src = `http://127.0.0.1:${port}/a.png`;
      const script = document.createElement("script");
      script.textContent = "window.broken = 1";
      document.body.append(image, script);
      document.body.insertAdjacentHTML("beforeend", "<p style='color: red' onclick='window.broken = 1'>x</p>");
      document.body.lastElementChild.click();
      await new Promise((done) => setTimeout(done, 200));
      return broken.sort();
    }
"""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A zip and its page."""

    zip: Path
    page: Path

    @property
    def packages(self) -> Sequence[Package]:
        return packages(contents(self.zip))


@pytest.fixture(scope="module")
def shown(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Shown]:
    """Pages by the names of their zips; each is made once."""
    made: dict[str, Shown] = {}
    makers = {
        "example": of_example,
        "uv": of_uv,
        "nasty": of_nasty,
        "many": of_many,
        "kinds": of_kinds,
        "nothing": lambda _, folder: written(folder / "nothing.zip", {}),
        "empty files": lambda _, folder: written(folder / "empty.zip", {"a.py": "", "b/c.py": ""}),
    }

    def find(name: str) -> Shown:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            path = makers[name](machine, folder)
            page = folder / "page.html"
            command = machine.python().with_name("lambda-backend")
            options = ["--runtime", "python3.13"] if name == "uv" else []
            machine.run([command, "inspect", path, "--html", page, *options], cwd=folder)
            made[name] = Shown(zip=path, page=page)
        return made[name]

    return find


def of_example(machine: Machine, folder: Path) -> Path:
    project = example("data", folder / "data")
    machine.build(project)
    (path,) = (project / "dist").glob("*-deps-*.zip")
    return path


def of_uv(machine: Machine, folder: Path) -> Path:
    argv = [sys.executable, "-m", "uv", "pip", "install", "--target", "site", "fastapi", "mangum"]
    machine.run([*argv, "--python-version", "3.13", "--python-platform", "x86_64-manylinux_2_28"], cwd=folder)
    path = folder / "uv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((folder / "site").rglob("*")):
            archive.write(file, file.relative_to(folder / "site"))
    return path


def of_nasty(machine: Machine, folder: Path) -> Path:  # noqa: ARG001 - as the others
    files = {name: "x" * (2000 - 100 * number) for number, name in enumerate(NASTY)}
    evil = "<img src=x onerror=window.broken=1>-<b>1.0.dist-info"
    files |= {f"{evil}/METADATA": "", f"{evil}/RECORD": "evil.py,,\n", "evil.py": "x" * 300}
    return written(folder / "</title><img src=x onerror=window.broken=1>.zip".replace("/", "∕"), files)


def of_many(machine: Machine, folder: Path) -> Path:  # noqa: ARG001 - as the others
    files: dict[str, str] = {}
    for package in range(300):
        name = f"package{package:03}"
        own = {f"{name}/{'sub/' * (n % 4)}module_{n:02}.py": "x" * (n * (300 - package)) for n in range(98)}
        info = f"{name}-1.{package}.dist-info"
        rows = "".join(f"{path},,\n" for path in (*own, f"{info}/RECORD", f"{info}/METADATA"))
        files |= own | {f"{info}/METADATA": "", f"{info}/RECORD": rows}
    assert len(files) == 30_000
    return written(folder / "many.zip", files)


def of_kinds(machine: Machine, folder: Path) -> Path:  # noqa: ARG001 - as the others
    names = ("a.so", "a.py", "a.pyc", "a.json", "a-1.dist-info/LICENSE", "tests/a.py", "a.pyi")
    return written(folder / "kinds.zip", {f"{name}": "x" * 100 for name in names})


def written(path: Path, files: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return path


@pytest.fixture(scope="module")
def running() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def page(running: Browser, shown: Callable[[str], Shown]) -> Iterator[Callable[[str], Shown]]:
    """Opens a page; at the test's end neither console nor network may have had anything."""

    def open_page(name: str) -> Shown:
        found = shown(name)
        running.open(found.page)
        return found

    running.prefer(color_scheme="light", reduced_motion="no-preference")
    yield open_page
    # Answers come in their order: after this one nothing is on its way.
    running.value("new Promise((done) => setTimeout(done, 50))")
    assert running.said == []
    assert running.requests == []


def settle(page: Browser) -> None:
    """Until the treemap has turned."""
    page.wait("document.querySelectorAll('.layer').length === 1")


def tile(name: str) -> str:
    """The outermost tile of that name, as an expression."""
    return (
        "[...document.querySelectorAll('.layer > *')]"
        f".find((e) => e.querySelector('.name')?.textContent === {json.dumps(name)})"
    )


def first_level(page: Browser) -> list[dict[str, Any]]:
    """Label and area of each tile that the keyboard reaches."""
    found: list[dict[str, Any]] = page.value(
        "[...document.querySelectorAll('.layer > button')]"
        ".map((e) => ({label: e.ariaLabel, area: (e.offsetWidth + 2) * (e.offsetHeight + 2)}))"
    )
    return found


def rows(page: Browser) -> list[list[str]]:
    found: list[list[str]] = page.value(
        "[...document.querySelectorAll('tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return found


def visible(text: str) -> str:
    return "".join(one if one.isprintable() else f"\\u{{{ord(one):x}}}" for one in text)


@pytest.mark.parametrize("name", NAMES)
def test_what_it_shows(name: str, page: Callable[[str], Shown], running: Browser) -> None:
    found = page(name)
    expected = found.packages
    assert found.page.stat().st_size < MOST_BYTES
    running.wait("performance.getEntriesByName('first-contentful-paint').length")
    paint = running.value("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert paint < FIRST_PAINT
    assert running.text("h1") == [visible(found.zip.name)]
    unzipped = sum(package.size for package in expected)
    files = sum(len(package.files) for package in expected)
    zipped = sum(package.zipped for package in expected)
    assert running.text("#here") == [f"{files:,} files · {human_size(unzipped)} unzipped · {human_size(zipped)} zipped"]
    assert [row[:5] for row in rows(running)] == [
        [
            visible(package.title),
            visible(package.version or ""),
            f"{len(package.files):,}",
            human_size(package.size),
            human_size(package.zipped),
        ]
        for package in expected
    ]
    # Tiles are as large as what they stand for.
    areas = first_level(running)
    whole = running.value("document.querySelector('#map').clientWidth * document.querySelector('#map').clientHeight")
    for package, drawn in zip(expected[:5], areas, strict=False):
        assert drawn["label"].startswith(visible(package.title))
        assert drawn["area"] / whole == pytest.approx(package.size / unzipped, abs=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_into_the_largest_package_and_back(name: str, page: Callable[[str], Shown], running: Browser) -> None:
    largest = page(name).packages[0]
    title = visible(largest.title)
    running.click(tile(title), below=8)
    running.wait(f"document.querySelector('#crumbs').innerText.includes({json.dumps(title)})")
    settle(running)
    shown_figures = f"{human_size(largest.size)} unzipped · {human_size(largest.zipped)} zipped"
    assert shown_figures in running.text("#here")[0]
    # The tiles are those of its files and folders, the largest first, and of nothing else.
    inside = [node for node in tree(largest, 1) if node.size]
    labels = [drawn["label"] for drawn in first_level(running)]
    assert labels
    for node, label in zip(inside, labels, strict=False):
        assert label.startswith(f"{visible(largest.folder + node.name)}, {human_size(node.size)} unzipped")

    running.press(*ESCAPE)
    running.wait("document.querySelectorAll('#crumbs li').length === 1")
    settle(running)
    assert first_level(running)[0]["label"].startswith(title)

    # The same by the keyboard alone; the focus is back on the tile that was left.
    running.value("document.querySelector('.layer > button').focus()")
    running.press(*ENTER)
    running.wait("document.querySelectorAll('#crumbs li').length === 2")
    settle(running)
    assert running.value("document.activeElement.closest('#map') !== null")
    running.press(*ESCAPE)
    running.wait("document.querySelectorAll('#crumbs li').length === 1")
    assert running.value("document.activeElement.ariaLabel").startswith(title)

    # The browser's own Back and Forward.
    running.value("history.go(-1)")
    running.wait("document.querySelectorAll('#crumbs li').length === 2")
    running.value("history.go(1)")
    running.wait("document.querySelectorAll('#crumbs li').length === 1")
    settle(running)


@pytest.mark.network
class TestExample:
    """Our own layer of numpy and pandas."""

    def test_down_to_a_file_and_up_by_the_breadcrumb(self, page: Callable[[str], Shown], running: Browser) -> None:
        page("example")
        running.click(tile("numpy.libs/"), below=8)  # two levels at once
        running.wait("document.querySelectorAll('#crumbs li').length === 3")
        settle(running)
        assert running.text("#crumbs li") == ["all packages", "numpy", "numpy.libs/"]
        assert all("python/numpy.libs/" in drawn["label"] for drawn in first_level(running))
        running.click("document.querySelector('.layer > button')")  # a file: nowhere to go
        running.click("document.querySelectorAll('#crumbs button')[1]")
        running.wait("document.querySelectorAll('#crumbs li').length === 2")
        running.click("document.querySelectorAll('#crumbs button')[0]")
        running.wait("document.querySelectorAll('#crumbs li').length === 1")
        settle(running)

    def test_a_link_leads_to_a_folder(self, shown: Callable[[str], Shown], running: Browser) -> None:
        found = shown("example")
        running.open(found.page)
        running.value("location.hash = '#/numpy/numpy.libs%2F/nothing'")
        running.wait("document.querySelectorAll('#crumbs li').length === 3")
        running.value("location.hash = '#/%E0%A4%A'")
        running.wait("document.querySelectorAll('#crumbs li').length === 1")
        assert (running.said, running.requests) == ([], [])

    def test_tooltip(self, page: Callable[[str], Shown], running: Browser) -> None:
        numpy = page("example").packages[0]
        running.point(tile("numpy"), below=8)
        assert running.text("#tip strong, #tip span") == [
            f"numpy {numpy.version}",
            f"{human_size(numpy.size)} unzipped, {human_size(numpy.zipped)} zipped",
            running.text("#tip span")[1],
            f"{len(numpy.files)} files",
        ]
        assert running.text("#tip span")[1].endswith("% of the zip, unzipped")
        running.point("document.querySelector('h1')")
        assert running.value("document.querySelector('#tip').hidden")

    def test_arrow_keys(self, page: Callable[[str], Shown], running: Browser) -> None:
        page("example")
        running.value("document.querySelector('#measure').lastElementChild.focus()")
        running.press(*TAB)
        assert running.value("document.activeElement.ariaLabel").startswith("numpy")
        assert running.text("#tip strong")[0].startswith("numpy")  # as for the mouse
        running.press(*RIGHT)
        assert running.value("document.activeElement.ariaLabel").startswith("pandas")
        # One Tab leaves the treemap, however many tiles it has.
        running.press(*TAB)
        assert running.value("document.activeElement.closest('#map')") is None

    def test_the_table_is_sorted_by_any_column(self, page: Callable[[str], Shown], running: Browser) -> None:
        expected = page("example").packages
        by_name = sorted(package.title for package in expected)
        for column, wanted in {
            0: by_name,
            2: [one.title for one in sorted(expected, key=lambda one: -len(one.files))],
            4: [one.title for one in sorted(expected, key=lambda one: -one.zipped)],
        }.items():
            button = f"document.querySelectorAll('thead button')[{column}]"
            running.click(button)
            assert [row[0] for row in rows(running)] == wanted
            first = running.value(f"{button}.closest('th').ariaSort")
            running.click(button)
            assert [row[0] for row in rows(running)] == wanted[::-1]
            assert {first, running.value(f"{button}.closest('th').ariaSort")} == {"ascending", "descending"}
        assert running.value("document.querySelectorAll('th[aria-sort$=scending]').length") == 1

    def test_the_filter(self, page: Callable[[str], Shown], running: Browser) -> None:
        expected = page("example").packages
        running.click("document.querySelector('#filter')")
        running.type("DateUtil")
        assert [row[0] for row in rows(running)] == [
            one.title
            for one in expected
            if any("dateutil" in text.lower() for text in (one.name, *(file.path for file in one.files)))
        ]
        assert not running.value(f"{tile('python-dateutil')}.matches('.dim')")
        assert running.value(f"{tile('numpy')}.matches('.dim')")
        running.value("document.querySelector('#filter').select()")
        running.type(".so")
        hits = [file for one in expected for file in one.files if ".so" in file.path]
        wanted = f"{len(hits)} files · {human_size(sum(file.size for file in hits))} unzipped"
        assert wanted in running.text("#here")[0]
        running.press(*ESCAPE)  # empties it, and goes nowhere
        assert running.value("document.querySelector('#filter').value") == ""
        assert len(rows(running)) == len(expected)
        assert running.value("document.querySelectorAll('.dim').length") == 0

    def test_zipped_sizes(self, page: Callable[[str], Shown], running: Browser) -> None:
        expected = page("example").packages
        before = first_level(running)[0]["area"]
        running.click("document.querySelector('#measure').lastElementChild")
        settle(running)
        largest = max(expected, key=lambda one: one.zipped)
        zipped = sum(one.zipped for one in expected)
        drawn = first_level(running)[0]
        assert drawn["label"].startswith(largest.title)
        assert f"{largest.zipped / zipped:.1%} of the zip, zipped" in drawn["label"]
        assert drawn["area"] != before
        shares = {row[0]: row[5] for row in rows(running)}
        assert shares[largest.title] == f"{largest.zipped / zipped:.1%}"
        assert running.value("[...document.querySelectorAll('#measure button')].map((e) => e.ariaPressed)") == [
            "false",
            "true",
        ]
        running.click("document.querySelector('#measure').firstElementChild")
        settle(running)
        assert first_level(running)[0]["area"] == before

    def test_a_row_leads_to_the_treemap(self, page: Callable[[str], Shown], running: Browser) -> None:
        page("example")
        running.click("[...document.querySelectorAll('tbody button')].find((e) => e.textContent === 'tzdata')")
        running.wait("document.querySelectorAll('#crumbs li').length === 2")
        settle(running)
        assert running.text("#crumbs li") == ["all packages", "tzdata"]

    def test_checks_and_manifest(self, page: Callable[[str], Shown], running: Browser) -> None:
        found = page("example")
        manifest = json.loads(next(found.zip.parent.glob("*.lambda.json")).read_text("utf-8"))
        (entry,) = (one for one in manifest["artifacts"] if one["file"] == found.zip.name)
        assert running.text("#what") == ["deps, a layer of stats 1.0.0"]
        assert {"python3.13", "x86_64", entry["code_sha256"]} == set(running.text("#chips code"))
        assert running.text("#findings li") == ["Nothing found."]
        assert entry["content_digest"] in running.text("#entry dd")
        assert running.value("JSON.parse(document.querySelector('#json').textContent)") == entry
        assert f"{entry['unzipped_size'] / 262_144_000:.1%} of 250 MiB" in running.text(".card")[0]


@pytest.mark.network
def test_findings_of_another_tools_zip(page: Callable[[str], Shown], running: Browser) -> None:
    found = page("uv")
    argv = [sys.executable, "-m", "lambda_backend", "check", found.zip, "--runtime", "python3.13", "--json"]
    checked = json.loads(subprocess.run(argv, capture_output=True, text=True, check=False).stdout)
    findings = checked["zips"][0]["findings"]
    listed = running.text("#findings li")
    if not findings:
        assert listed == ["Nothing found."]
    for finding, shown_finding in zip(findings, listed, strict=False):
        assert finding["message"].splitlines()[0] in shown_finding


def test_no_name_breaks_out(page: Callable[[str], Shown], running: Browser) -> None:
    page("nasty")
    for name in NASTY[1:4]:
        running.point(tile(name), below=8)
        assert running.text("#tip strong") == [name]
    running.click("document.querySelector('#filter')")
    running.type("<img")
    assert rows(running)[0][0] == "other files"
    assert running.value("typeof window.broken") == "undefined"
    assert running.value("document.querySelectorAll('img, svg, b:has(*), iframe').length") == 0
    assert running.value("document.scripts.length") == 2
    # What would turn a line around, or cannot be seen, is written out.
    text = running.value("document.documentElement.innerText")
    assert "\\u{202e}gnp.exe" in text
    assert not {"\u202e", "\x1b"} & set(text)


@pytest.mark.parametrize(("name", "said"), [("nothing", "Nothing is in it"), ("empty files", "Only empty files")])
def test_no_bytes(name: str, said: str, page: Callable[[str], Shown], running: Browser) -> None:
    page(name)
    assert running.text("#map") == [said]
    running.click("document.querySelector('#map')")
    running.click("document.querySelector('#measure').lastElementChild")
    running.click("document.querySelector('#filter')")
    running.type("c.py")
    assert len(rows(running)) == (1 if name == "empty files" else 0)


def test_many_files_are_usable(page: Callable[[str], Shown], running: Browser) -> None:
    page("many")
    elements = running.value("document.querySelectorAll('.layer *').length")
    assert elements < 10_000
    milliseconds = running.value(
        "(() => { const start = performance.now(); const f = document.querySelector('#filter');"
        "f.value = 'module_97'; f.dispatchEvent(new Event('input')); return performance.now() - start; })()"
    )
    assert milliseconds < 1000
    assert running.text("#here")[0].startswith("in all that matches · 300 files")


def test_motion_is_a_preference(page: Callable[[str], Shown], running: Browser) -> None:
    page("many")
    first = "document.querySelector('.layer > button')"
    layers = (
        "new Promise((done) => "
        "addEventListener('hashchange', () => done(document.querySelectorAll('.layer').length), {once: true}))"
    )
    assert running.value(f"({first}.click(), {layers})") == 2
    settle(running)
    running.prefer(color_scheme="light", reduced_motion="reduce")
    assert running.value(f"(history.back(), {layers})") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(scheme: str, page: Callable[[str], Shown], running: Browser) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for text."""
    running.prefer(color_scheme=scheme)
    page("kinds")
    script = """
    (() => {
      const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
      const light = (color) => {
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
        const parts = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
        const linear = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
      };
      const behind = (e) => {
        const color = getComputedStyle(e).backgroundColor;
        return color === "rgba(0, 0, 0, 0)" ? behind(e.parentElement) : color;
      };
      const found = {};
      for (const e of document.querySelectorAll(
        ".name, h1, h2, h3, .card p, #chips *, th button, td, #legend li, #here, .switch button, #crumbs *, footer p"
      )) {
        const [one, other] = [light(getComputedStyle(e).color), light(behind(e))].sort((a, b) => b - a);
        const key = `${e.tagName} ${e.className} ${e.parentElement.dataset.kind ?? ""}`;
        found[key] = Math.min(found[key] ?? 99, (one + 0.05) / (other + 0.05));
      }
      return found;
    })()
    """
    found = running.value(script)
    assert {f"SPAN name {kind}" for kind in range(7)} <= found.keys()
    assert {element: ratio for element, ratio in found.items() if ratio < 4.5} == {}


def test_nothing_can_be_loaded(shown: Callable[[str], Shown], running: Browser) -> None:
    """Not even by a script that got in somehow."""
    running.open(shown("kinds").page)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        broken = running.value(f"({LOADING})({server.getsockname()[1]})")
        with pytest.raises(BlockingIOError):  # nobody came
            server.accept()
    assert broken == ["connect-src", "img-src", "script-src-attr", "script-src-elem", "style-src-attr"]
    assert running.value("typeof window.broken") == "undefined"
