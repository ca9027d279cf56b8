"""Sums up sales by region."""

from __future__ import annotations

from typing import Any

import humanize
import numpy as np
import pandas as pd


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    sales = pd.DataFrame(event["sales"])
    by_region = sales.groupby("region")["amount"].sum().sort_index()
    total = int(np.sum(by_region.to_numpy()))
    return {
        "regions": {str(region): int(amount) for region, amount in by_region.items()},
        "total": humanize.intcomma(total),
    }
