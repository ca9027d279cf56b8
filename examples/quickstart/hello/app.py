"""Says hello, and the address that it would ask."""

from __future__ import annotations

from typing import Any

import requests


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    name = event.get("name", "world")
    request = requests.Request("GET", "https://example.com/greet", params={"name": name}).prepare()
    return {"greeting": f"Hello, {name}!", "url": request.url}
