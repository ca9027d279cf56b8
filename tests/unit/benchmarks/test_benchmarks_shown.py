"""Tables and charts."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from benchmarks import results as kept
from benchmarks.chart import chart
from benchmarks.results import Results
from benchmarks.table import curve_page, page
from tests.helpers.zippers import result

if TYPE_CHECKING:
    from pathlib import Path

TITLES = {"W1": "requests & more", "edit": "code edited", "same": "nothing changed"}
SVG = "{http://www.w3.org/2000/svg}"


def drawn_by(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own


def results(*found: kept.Result) -> Results:
    return Results(
        machine={"processors": "2"}, titles=TITLES, results=found, left_out=(("W1", "podman", "no podman on PATH"),)
    )


def test_each_row_is_held_against_the_peer_of_the_same_rounds() -> None:
    text = page(results(result("hooks", [0.5, 1.0, 2.0]), result("uv-zip", [10.0, 10.0, 12.0])), "uv-zip")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert "| hooks | 1.00 s | 0.50–2.00 | 1.00 s | 10.00 (6.00–20.00) | – | 1.00 MiB | 3.0 MiB | 1,234 |" in rows
    assert "| uv-zip | 10.00 s | 10.00–12.00 | 10.00 s | – | – | 1.00 MiB | 3.0 MiB | 1,234 |" in rows
    assert "## W1 (requests & more): code edited" in text
    assert "run hooks" in text
    assert "- podman in W1: no podman on PATH" in text


def test_who_makes_no_zip_is_not_compared() -> None:
    text = page(results(result("floor", [0.1], size=None), result("uv-zip", [1.0])), "uv-zip")
    assert "| floor | 0.10 s | 0.10–0.10 | 0.10 s | – | – | – | – | – |" in text


def test_scenarios_are_not_mixed() -> None:
    text = page(
        results(result("uv-zip", [8.0]), result("hooks", [4.0]), result("hooks", [2.0], scenario="same")), "uv-zip"
    )
    same = text.partition("nothing changed")[2].partition("##")[0]
    assert "| hooks | 2.00 s | 2.00–2.00 | 2.00 s | – |" in same


def test_the_curve_has_a_column_for_each() -> None:
    text = curve_page(results(result("hooks", [1.0]), result("hooks", [2.0], scenario="same")))
    assert "| | hooks: code edited | hooks: nothing changed |" in text
    assert "| requests & more | 1.00 s | 2.00 s |" in text
    assert "further function" not in text


def test_the_curve_says_what_a_further_function_costs() -> None:
    titles = {"functions-10": "ten", "functions-200": "many", "edit": "code edited"}
    few = dataclasses.replace(result("hooks", [1.0, 2.0, 9.0]), workload="functions-10")
    many = dataclasses.replace(result("hooks", [3.9, 3.9]), workload="functions-200")
    text = curve_page(Results(machine={}, titles=titles, results=(few, many)))
    assert "hooks, code edited: 10 ms for each further function." in text


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    found = results(result("hooks", [0.5, 1.0]))
    kept.write(found, tmp_path / "deep/results.json")
    assert kept.read(tmp_path / "deep/results.json") == found


def test_longer_bars_are_slower() -> None:
    drawn = drawn_by(chart([result("slow", [10.0, 11.0, 12.0]), result("hooks", [0.1])], TITLES, frozenset({"hooks"})))
    texts = [text.text for text in drawn.iter(f"{SVG}text")]
    assert "W1 (requests & more): code edited" in texts
    # The quickest first.
    assert texts.index("hooks") < texts.index("slow")
    widths = [float(bar.get("width", "")) for bar in drawn.iter(f"{SVG}rect")]
    assert widths[0] < widths[1]
    ours, other = (bar.get("fill") for bar in drawn.iter(f"{SVG}rect"))
    assert ours != other


def test_bars_stay_in_the_picture() -> None:
    drawn = drawn_by(chart([result("a", [0.012, 900.0]), result("b", [1.0])], TITLES, frozenset()))
    width = float(drawn.get("viewBox", "").split()[2])
    ends = [float(bar.get("x", "")) + float(bar.get("width", "")) for bar in drawn.iter(f"{SVG}rect")]
    assert ends
    assert max(ends) <= width
