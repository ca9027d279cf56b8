"""The first lines of the function's own process: ``function.py invoke|import ARGUMENTS``.

As ``/var/runtime/bootstrap.py`` does it: the runtime client comes before all else, then ``sys.path`` gets the function
and the layers, with their ``.pth`` files; a ``PYTHONPATH`` of the user's takes the layers' place.

It imports as little as it can, since the function finds in ``sys.modules`` what is imported here. Its arguments are a
JSON object: ``handler``; ``client``, the runtime client's folder; ``task`` and ``opt``, where function and layers are
unpacked; ``version`` of Python, as in ``3.13``; ``layers``, whether they are on ``sys.path``; ``mark``, a line for
standard error between the runtime's own imports and the function's.
"""

from __future__ import annotations

import importlib
import json
import os
import site
import sys
import time

TYPE_CHECKING = False  # as type checkers take it; typing itself is slow to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _main(mode: str, arguments: dict[str, Any], rest: list[str]) -> None:
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is the function's to import
    client = arguments["client"]
    sys.path[:] = [*(folder for folder in sys.path if folder not in {here, client}), client]
    sys.argv[:] = [f"{client}/bootstrap.py"]
    if mode == "invoke":
        from awslambdaric.__main__ import main

        _arrange(arguments)
        main(["awslambdaric", arguments["handler"]])
    else:
        from awslambdaric import bootstrap
        from awslambdaric.lambda_runtime_exception import FaultException

        os.write(2, f"{arguments['mark']}\n".encode())
        found = _import(arguments, bootstrap, FaultException)
        os.write(int(rest[0]), json.dumps(found).encode())


def _arrange(arguments: dict[str, Any]) -> None:
    opt, version = arguments["opt"], arguments["version"]
    layers = [f"{opt}/python/lib/python{version}/site-packages", f"{opt}/python"] if arguments["layers"] else []
    folders = [arguments["task"], *layers]
    sys.path[:0] = folders
    for folder in folders:
        site.addsitedir(folder)


def _import(arguments: dict[str, Any], bootstrap: Any, fault: type[Any]) -> dict[str, Any]:  # noqa: ANN401 - no types
    """What came of the import, with the client's own words for what went wrong."""
    find: Callable[[str], object] = bootstrap._get_handler  # noqa: SLF001 - of one name in all its versions
    started = time.perf_counter()
    failed = missing = None
    usual = importlib.import_module

    def timed(name: str) -> object:
        # -X importtime sees what an import statement would do, and not importlib's own function.
        importlib.import_module = usual
        __import__(name)
        return sys.modules[name]

    try:
        _arrange(arguments)
        importlib.import_module = timed  # type: ignore[assignment]
        find(arguments["handler"])
    except fault as error:
        failed, missing = bootstrap.make_error(error.msg, error.exception_type, error.trace), _missing(error)
    except Exception as error:  # noqa: BLE001 - the user's code may raise any
        failed, missing = bootstrap.build_fault_result(sys.exc_info(), None), _missing(error)
    return {"seconds": time.perf_counter() - started, "error": failed, "missing": missing}


def _missing(error: BaseException | None) -> str | None:
    """The module whose absence is at the bottom of an error."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError):
            return error.name
        error = error.__cause__ or error.__context__
    return None


if __name__ == "__main__":
    _main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:])
