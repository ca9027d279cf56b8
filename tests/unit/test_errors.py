from __future__ import annotations

from lambda_backend.errors import InstallError, LambdaBackendError, SettingsError, StaleLockError


def test_a_message_and_what_to_do_next() -> None:
    assert str(InstallError("no wheel")) == "no wheel"
    assert str(InstallError("no wheel", hint="pin another")) == "no wheel\n  → pin another"


def test_all_problems_at_once() -> None:
    one = SettingsError(["tool.lambda.a: wrong"])
    two = SettingsError(["tool.lambda.a: wrong", "tool.lambda.b: wrong"], hint="mend them")
    assert str(one) == "[tool.lambda] has a problem:\n  - tool.lambda.a: wrong"
    assert str(two).splitlines() == [
        "[tool.lambda] has 2 problems:",
        "  - tool.lambda.a: wrong",
        "  - tool.lambda.b: wrong",
        "  → mend them",
    ]
    assert two.problems == ("tool.lambda.a: wrong", "tool.lambda.b: wrong")


def test_a_key_is_named_once() -> None:
    for message in ("no wheel", "tool.lambda.functions.api.lock: no wheel"):
        error = StaleLockError(message)
        error.locate("tool.lambda.functions.api")
        error.locate("tool.lambda.functions.api")
        assert str(error).count("tool.lambda.functions.api") == 1
    assert isinstance(error, LambdaBackendError)
