from __future__ import annotations

import pytest

from lambda_backend.errors import SettingsError
from lambda_backend.install.variables import Variables


def test_the_table_lies_over_the_environment() -> None:
    found = Variables({"A": "1", "B": "2"}, {"B": "x${A}", "C": "c"}, "key")
    assert dict(found) == {"A": "1", "B": "x1", "C": "c"}
    assert len(found) == 3
    assert found.get("D") is None


def test_a_value_is_filled_in_when_it_is_asked_for() -> None:
    found = Variables({}, {"A": "${NOT_THERE}"}, "tool.lambda.bundling.environment")
    assert "A" in list(found)
    with pytest.raises(SettingsError, match=r"tool\.lambda\.bundling\.environment\.A: .* NOT_THERE is not set"):
        found["A"]
