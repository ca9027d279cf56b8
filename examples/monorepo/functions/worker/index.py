"""Works off a queue; needs nothing but the shared package."""

from __future__ import annotations

import json
from typing import Any

from common import money


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    cents = [json.loads(record["body"])["cents"] for record in event["Records"]]
    return {"batchItemFailures": [], "worth": money(sum(cents))}
