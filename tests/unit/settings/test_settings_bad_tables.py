"""The sheet of wrong tables: each with every line of its message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import SettingsError

if TYPE_CHECKING:
    from conftest import LoadText

KNOWN = 'known are "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"'
GOOD = 'runtime = "python3.13"\nhandler = "a.b"\n'
TWO = 'runtime = "python3.13"\n[tool.lambda.functions.api]\n'

# Below [tool.lambda]: the table's text, and the problems.
SHEET: dict[str, tuple[str, list[str]]] = {
    "empty table": (
        "",
        ['tool.lambda: asks for no artifact; set "handler" or "entry", or add a table to "functions" or "layers"'],
    ),
    "empty functions": (
        'runtime = "python3.13"\nfunctions = {}',
        ['tool.lambda: asks for no artifact; set "handler" or "entry", or add a table to "functions" or "layers"'],
    ),
    "no runtime": ('handler = "a.b"', ['tool.lambda.runtime: missing; "function" would be built for no runtime']),
    "no runtime for some": (
        (
            "[tool.lambda.functions.a]\nentry = 'a'\nruntime = 'python3.13'\n"
            "[tool.lambda.functions.b]\nentry = 'b'\n[tool.lambda.layers.c]"
        ),
        ['tool.lambda.runtime: missing; "c", "b" would be built for no runtime'],
    ),
    "unknown key": (GOOD + "enginee = 'host'", ['tool.lambda.enginee: unknown key; did you mean "engine"?']),
    "snake case": (GOOD + "output_dir = 'x'", ['tool.lambda.output_dir: unknown key; did you mean "output-dir"?']),
    "unknown key like none": (GOOD + "zzz = 1", ["tool.lambda.zzz: unknown key"]),
    "key of bundling": (GOOD + "image = 'x'", ['tool.lambda.image: unknown key; it is a key of "bundling"']),
    "key of tools": (
        GOOD + "bundling.pipenv = '1'",
        ['tool.lambda.bundling.pipenv: unknown key; it is a key of "tools"'],
    ),
    "quoted unknown key": (GOOD + '"a b" = 1', ['tool.lambda."a b": unknown key']),
    "unknown key of a layer": (
        GOOD + "[tool.lambda.layers.deps]\npath-prefx = 'x'",
        ['tool.lambda.layers.deps.path-prefx: unknown key; did you mean "path-prefix"?'],
    ),
    "unknown key of bundling": (
        GOOD + "bundling = { netwrk = 'host' }",
        ['tool.lambda.bundling.netwrk: unknown key; did you mean "network"?'],
    ),
    "unknown key of an include": (
        GOOD + "include = [{ from = 'a', too = 'b' }]",
        ['tool.lambda.include[0].too: unknown key; did you mean "to"?'],
    ),
    "runtime unknown": (
        'runtime = "python3.9"\nhandler = "a.b"',
        [f'tool.lambda.runtime: unknown runtime "python3.9"; {KNOWN}; did you mean "python3.10"?'],
    ),
    "runtime of a function": (
        TWO + 'handler = "a.b"\nruntime = ["python3.12", "3.31"]',
        [f'tool.lambda.functions.api.runtime[1]: unknown runtime "3.31"; {KNOWN}; did you mean "python3.14"?'],
    ),
    "runtime without a dot": (
        'runtime = "python313"\nhandler = "a.b"',
        [f'tool.lambda.runtime: unknown runtime "python313"; {KNOWN}; did you mean "python3.13"?'],
    ),
    "runtime of another language": (
        'runtime = "nodejs22"\nhandler = "a.b"',
        [f'tool.lambda.runtime: unknown runtime "nodejs22"; {KNOWN}'],
    ),
    "preview": (
        'runtime = "python3.15"\nhandler = "a.b"',
        [f'tool.lambda.runtime: runtime "python3.15" is a preview and not supported yet; {KNOWN}'],
    ),
    "runtime is a number": (
        'runtime = 3.13\nhandler = "a.b"',
        ["tool.lambda.runtime: expected a string or a list, got a float (3.13)"],
    ),
    "runtime is an empty list": (
        'runtime = []\nhandler = "a.b"',
        ["tool.lambda.runtime: must not be an empty list"],
    ),
    "runtime twice": (
        'runtime = ["python3.13", "python3.12", "python3.13"]\nhandler = "a.b"',
        ['tool.lambda.runtime[2]: "python3.13" is listed twice'],
    ),
    "runtime with a wrong item": (
        'runtime = ["python3.13", 3]\nhandler = "a.b"',
        ["tool.lambda.runtime[1]: expected a string, got an integer (3)"],
    ),
    "architecture by docker's name": (
        GOOD + 'architecture = "amd64"',
        ['tool.lambda.architecture: unknown architecture "amd64"; known are "x86_64", "arm64"; did you mean "x86_64"?'],
    ),
    "architecture unknown": (
        GOOD + 'architecture = ["arm6"]',
        [
            (
                'tool.lambda.architecture[0]: unknown architecture "arm6"; known are "x86_64", "arm64";'
                ' did you mean "arm64"?'
            )
        ],
    ),
    "function needs something": (
        TWO,
        ['tool.lambda.functions.api.handler: missing; a function needs "handler" or "entry"'],
    ),
    "handler without a module": (
        'runtime = "python3.13"\nhandler = "main"',
        ['tool.lambda.handler: "main" is no handler; expected package.module.function'],
    ),
    "handler with a colon": (
        TWO + 'handler = "shop.api:handler"',
        ['tool.lambda.functions.api.handler: "shop.api:handler" is no handler; expected package.module.function'],
    ),
    "handler without a dot": (
        TWO + 'handler = "a/b"',
        ['tool.lambda.functions.api.handler: "a/b" is no handler; expected package.module.function'],
    ),
    "handler is a list": (
        'runtime = "python3.13"\nhandler = ["a.b"]',
        ["tool.lambda.handler: expected a string, got a list"],
    ),
    "function is a string": (
        'runtime = "python3.13"\nfunctions = { api = "a.b" }',
        ['tool.lambda.functions.api: expected a table, got a string ("a.b")'],
    ),
    "functions is a list": (
        'runtime = "python3.13"\nfunctions = []',
        ["tool.lambda.functions: expected a table, got a list"],
    ),
    "name": (
        'runtime = "python3.13"\n[tool.lambda.functions."my fn"]\nhandler = "a.b"',
        [
            (
                'tool.lambda.functions."my fn": a name starts with a letter or digit, followed by letters, digits,'
                ' "_" and "-" only'
            )
        ],
    ),
    "unknown layer": (
        TWO + 'handler = "a.b"\nlayers = ["dep"]\n[tool.lambda.layers.deps]',
        ['tool.lambda.functions.api.layers[0]: unknown layer "dep"; did you mean "deps"?'],
    ),
    "too many layers": (
        TWO
        + 'handler = "a.b"\nlayers = ["a", "b", "c", "d", "e", "f"]\n'
        + "".join(f"[tool.lambda.layers.{name}]\n" for name in "abcdef"),
        ["tool.lambda.functions.api.layers: 6 layers; Lambda takes 5 for a function"],
    ),
    "layer twice": (
        TWO + 'handler = "a.b"\nlayers = ["a", "a"]\n[tool.lambda.layers.a]',
        ['tool.lambda.functions.api.layers[1]: "a" is listed twice'],
    ),
    "broken layer is not unknown": (
        TWO + 'handler = "a.b"\nlayers = ["a"]\n[tool.lambda.layers]\na = 1',
        ["tool.lambda.layers.a: expected a table, got an integer (1)"],
    ),
    "function and layer of one name": (
        TWO + 'handler = "a.b"\n[tool.lambda.layers.api]',
        ['tool.lambda.functions.api: the function "api" has the name of the layer "api"'],
    ),
    "layer called function": (
        GOOD + "[tool.lambda.layers.function]",
        ['tool.lambda: the function "function" has the name of the layer "function"'],
    ),
    "names that differ in case": (
        TWO + 'handler = "a.b"\n[tool.lambda.functions.API]\nhandler = "a.b"',
        ['tool.lambda.functions.api: the function "api" has the name of the function "API", but for case'],
    ),
    "short form twice": (
        GOOD + '[tool.lambda.functions.function]\nhandler = "a.b"',
        [
            (
                'tool.lambda.functions.function: clashes with top-level "handler" or "entry", which is short for a'
                ' function called "function"'
            )
        ],
    ),
    "layer for another runtime": (
        TWO + 'handler = "a.b"\nlayers = ["deps"]\n[tool.lambda.layers.deps]\nruntime = "python3.12"',
        [
            (
                'tool.lambda.functions.api.layers[0]: the layer "deps" is not built for "python3.13", which the'
                " function is; add to tool.lambda.layers.deps.runtime"
            )
        ],
    ),
    "layer for another architecture": (
        TWO + 'handler = "a.b"\nlayers = ["deps"]\narchitecture = ["x86_64", "arm64"]\n[tool.lambda.layers.deps]',
        [
            (
                'tool.lambda.functions.api.layers[0]: the layer "deps" is not built for "arm64", which the function'
                " is; add to tool.lambda.layers.deps.architecture"
            )
        ],
    ),
    "layer with a broken runtime": (
        TWO + 'handler = "a.b"\nlayers = ["deps"]\n[tool.lambda.layers.deps]\nruntime = ["python3.12", "x"]',
        [f'tool.lambda.layers.deps.runtime[1]: unknown runtime "x"; {KNOWN}'],
    ),
    "ourselves": (
        GOOD + 'wheel-backend = "lambda_backend"',
        ['tool.lambda.wheel-backend: "lambda_backend" is this backend itself; name the one that makes the wheel'],
    ),
    "ourselves below": (
        GOOD + 'wheel-backend = "lambda_backend.hooks:x"',
        [
            (
                'tool.lambda.wheel-backend: "lambda_backend.hooks:x" is this backend itself; name the one that makes'
                " the wheel"
            )
        ],
    ),
    "no backend": (
        GOOD + 'wheel-backend = "hatch-ling"',
        ['tool.lambda.wheel-backend: "hatch-ling" is no build backend; expected one such as "hatchling.build"'],
    ),
    "engine": (
        GOOD + 'engine = "dokcer"',
        [
            (
                'tool.lambda.engine: unknown value "dokcer"; known are "auto", "docker", "podman", "finch", "nerdctl",'
                ' "host"; did you mean "docker"?'
            )
        ],
    ),
    "path prefix above": (
        GOOD + '[tool.lambda.layers.deps]\npath-prefix = "../python"',
        ['tool.lambda.layers.deps.path-prefix: "../python" must not hold ".."'],
    ),
    "path prefix absolute": (
        GOOD + '[tool.lambda.layers.deps]\npath-prefix = "/opt/python"',
        ['tool.lambda.layers.deps.path-prefix: "/opt/python" is absolute; expected a path relative to the zip\'s root'],
    ),
    "include leaves": (
        GOOD + 'include = [{ from = "conf" }, { from = "a/../../conf" }]',
        ['tool.lambda.include[1].from: "a/../../conf" leaves the project by ".."'],
    ),
    "include leaves on Windows": (
        GOOD + "include = [{ from = '..\\conf' }]",
        ['tool.lambda.include[0].from: "..\\\\conf" leaves the project by ".."'],
    ),
    "include to": (
        GOOD + 'include = [{ from = "conf", to = "a/../b" }, { from = "conf", to = "C:/x" }]',
        [
            'tool.lambda.include[0].to: "a/../b" must not hold ".."',
            'tool.lambda.include[1].to: "C:/x" is absolute; expected a path relative to the zip\'s root',
        ],
    ),
    "include without from": (GOOD + 'include = [{ to = "x" }]', ["tool.lambda.include[0].from: missing"]),
    "include is a string": (
        GOOD + 'include = "conf"',
        ['tool.lambda.include: expected a list, got a string ("conf")'],
    ),
    "include of strings": (
        GOOD + 'include = ["conf"]',
        ['tool.lambda.include[0]: expected a table, got a string ("conf")'],
    ),
    "entry absolute": (
        'runtime = "python3.13"\nentry = "/srv/fn"',
        ['tool.lambda.entry: "/srv/fn" leaves the project: the path is absolute; expected one relative to the project'],
    ),
    "entry leaves": (TWO + 'entry = ".."', ['tool.lambda.functions.api.entry: ".." leaves the project by ".."']),
    "entry empty": (TWO + 'entry = " "', ["tool.lambda.functions.api.entry: must not be empty"]),
    "entry with NUL": (
        TWO + 'entry = "a\\u0000"',
        ["tool.lambda.functions.api.entry: must not hold a NUL character"],
    ),
    "lock leaves": (GOOD + 'lock = "../uv.lock"', ['tool.lambda.lock: "../uv.lock" leaves the project by ".."']),
    "boolean": (
        GOOD + "bytecode = 'yes'\nstrip = 2026-01-01",
        [
            'tool.lambda.bytecode: expected a boolean, got a string ("yes")',
            "tool.lambda.strip: expected a boolean, got a date (2026-01-01)",
        ],
    ),
    "string, got a boolean": (GOOD + "lock = true", ["tool.lambda.lock: expected a string, got a boolean (true)"]),
    "date-time and time": (
        GOOD + "lock = 2026-01-01T00:00:00Z\nengine = 01:02:03",
        [
            "tool.lambda.engine: expected a string, got a time (01:02:03)",
            "tool.lambda.lock: expected a string, got a date-time (2026-01-01 00:00:00+00:00)",
        ],
    ),
    "long and secret text": (
        GOOD + f'bundling = {{ network = "host", tools = {{ uv = "https://me:pass@host/{"x" * 80}" }} }}',
        [f'tool.lambda.bundling.tools.uv: "https://***@host/{"x" * 43}…" is no version; expected one such as "0.13"'],
    ),
    "environment of numbers": (
        GOOD + "bundling.environment = { TOKEN = 12345, GOOD = '1' }",
        ["tool.lambda.bundling.environment.TOKEN: expected a string, got an integer"],
    ),
    "environment is a string": (
        GOOD + "bundling.environment = 'TOKEN=hush'",
        ["tool.lambda.bundling.environment: expected a table, got a string"],
    ),
    "environment with a wrong name": (
        GOOD + "bundling.environment = { 'A-B' = 'x' }",
        [
            (
                'tool.lambda.bundling.environment.A-B: a variable\'s name starts with a letter or "_", followed by'
                ' letters, digits and "_" only'
            )
        ],
    ),
    "secrets with wrong types": (
        GOOD + "bundling.secrets = [{ id = 1, source = 'x' }]\nbundling.build-args = { A = true }",
        [
            "tool.lambda.bundling.build-args.A: expected a string, got a boolean",
            "tool.lambda.bundling.secrets[0].id: expected a string, got an integer",
        ],
    ),
    "image of the wrong type": (
        GOOD + "bundling.image = 3",
        ["tool.lambda.bundling.image: expected a string or a table, got an integer (3)"],
    ),
    "sizes": (
        GOOD + "max-size = 0",
        ['tool.lambda.max-size: 0 is no size; expected bytes, or text such as "100 MiB" or "50 MB"'],
    ),
    "size in words": (
        GOOD + "max-size = '100 mb'",
        ['tool.lambda.max-size: "100 mb" is no size; expected bytes, or text such as "100 MiB" or "50 MB"'],
    ),
    "size without a number": (
        GOOD + "max-size = 'much'",
        ['tool.lambda.max-size: "much" is no size; expected bytes, or text such as "100 MiB" or "50 MB"'],
    ),
    "size of the wrong type": (
        GOOD + "max-size = true",
        ["tool.lambda.max-size: expected a string or an integer, got a boolean (true)"],
    ),
    "extras twice": (GOOD + "extras = ['a', 'b', 'a']", ['tool.lambda.extras[2]: "a" is listed twice']),
    "level": (
        GOOD + "checks.size = 'eror'",
        ['tool.lambda.checks.size: unknown value "eror"; known are "error", "warn", "off"; did you mean "error"?'],
    ),
    "everything at once": (
        "handler = 'x'\nenginee = 1\nengine = 'a'\n[tool.lambda.functions.api]\nlayers = ['x']\nruntime = 'python2.7'",
        [
            'tool.lambda.enginee: unknown key; did you mean "engine"?',
            'tool.lambda.handler: "x" is no handler; expected package.module.function',
            'tool.lambda.engine: unknown value "a"; known are "auto", "docker", "podman", "finch", "nerdctl", "host"',
            f'tool.lambda.functions.api.runtime: unknown runtime "python2.7"; {KNOWN}; did you mean "python3.10"?',
            'tool.lambda.functions.api.handler: missing; a function needs "handler" or "entry"',
            'tool.lambda.functions.api.layers[0]: unknown layer "x"',
        ],
    ),
}


def problems(load_text: LoadText, table: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_text(f"[tool.lambda]\n{table}")
    return list(caught.value.problems)


@pytest.mark.parametrize("name", SHEET)
def test_wrong_table(name: str, load_text: LoadText) -> None:
    table, expected = SHEET[name]
    assert problems(load_text, table) == expected


def test_defaults_may_be_written(load_text: LoadText) -> None:
    loaded = load_text(
        f"[tool.lambda]\n{GOOD}bytecode = false\nomit = []\nchecks.size = 'error'\nbundling.file-access = 'auto'\n"
        "bundling.poetry = { hashes = true }\n[tool.lambda.layers.deps]\nstrip = false\nomit = []"
    )
    assert loaded.settings is not None


def test_a_secret_is_in_no_message(load_text: LoadText) -> None:
    text = "\n".join(
        problems(
            load_text,
            GOOD + "[tool.lambda.bundling]\nenvironment = ['hush']\nbuild-args = { A = ['hush'], B = 'hush', C = 4711 }"
            "\nsecrets = [{ id = 4711, source = 'hush', sauce = 'hush' }, 'hush']",
        )
    )
    assert "hush" not in text
    assert "4711" not in text
