"""Takes an order and says when it is due."""

from __future__ import annotations

import datetime as dt
from typing import Any

from common import money
from dateutil.relativedelta import relativedelta


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    due = dt.date.fromisoformat(event["date"]) + relativedelta(months=1)
    return {"due": due.isoformat(), "amount": money(event["cents"])}
