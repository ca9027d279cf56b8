from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambda_backend.errors import InstallError
from lambda_backend.install.steps import Steps, named_variables
from lambda_backend.settings.model import BundlingSettings

if TYPE_CHECKING:
    from lambda_backend.install.workbench import HostWorkbench
    from tests.unit.install.conftest import FakeWorkbench

KEY = "tool.lambda.bundling"


def test_nothing_to_run() -> None:
    assert not Steps.of(BundlingSettings(), {}, KEY)
    for bundling in (BundlingSettings(before=("a",)), BundlingSettings(after=("a",)), BundlingSettings(command=("a",))):
        assert Steps.of(bundling, {}, KEY)


def test_what_hooks_leave_is_pulled_and_what_they_see_is_pushed(fake: FakeWorkbench) -> None:
    steps = Steps.of(BundlingSettings(before=("one", "two"), after=("three",)), {}, KEY)
    steps.run_before(fake)
    assert [call.argv[-1].splitlines()[-1] for call in fake.calls] == ["one", "two"]
    assert (fake.pushed, fake.pulled) == ([], [fake.source, fake.tree])
    steps.run_after(fake)
    assert fake.pushed == [fake.tree]
    assert fake.calls[-1].cwd == fake.source
    assert fake.calls[-1].what == f"{KEY}.after[0]"


def test_a_command_is_argv_behind_the_entrypoint(fake: FakeWorkbench) -> None:
    bundling = BundlingSettings(entrypoint=("/in it", "-x"), command=("a b", "$c"), working_directory="/w d")
    Steps.of(bundling, {}, KEY).run_command(fake)
    assert fake.calls[0].argv[-1].splitlines()[-2:] == ["cd '/w d' || exit", "exec '/in it' -x 'a b' '$c'"]
    assert fake.pulled == [fake.tree]


def test_hooks_run_in_a_real_shell(host: HostWorkbench) -> None:
    steps = Steps.of(
        BundlingSettings(before=('cd / && echo made > "$LAMBDA_OUTPUT_DIR/made"', "test -d ../tree")), {}, KEY
    )
    steps.run_before(host)
    assert (host.tree / "made").read_text() == "made\n"


def test_a_hook_that_fails_shows_both_streams(host: HostWorkbench) -> None:
    steps = Steps.of(BundlingSettings(before=("echo out; echo err >&2; exit 3",)), {}, KEY)
    with pytest.raises(InstallError) as error:
        steps.run_before(host)
    assert error.value.message == f"{KEY}.before[0] failed (exit code 3):\n    out\n    err"


def test_a_working_directory_that_is_not_there(host: HostWorkbench) -> None:
    steps = Steps.of(BundlingSettings(before=("true",), working_directory="/not/there"), {}, KEY)
    with pytest.raises(InstallError, match="/not/there"):
        steps.run_before(host)


def test_no_shell(host: HostWorkbench) -> None:
    host.shell = ("no-such-shell", "-c")
    with pytest.raises(InstallError, match="no-such-shell cannot be started") as error:
        Steps.of(BundlingSettings(before=("true",)), {}, KEY).run_before(host)
    assert error.value.hint


def test_only_variables_that_are_named_and_not_the_container_s_own() -> None:
    environ = {"A": "1", "B_2": "2", "C": "3", "PATH": "/bin", "HOME": "/root", "PYTHONPATH": "x"}
    lines = ["echo $A ${B_2:-none} $PATH ${HOME} $PYTHONPATH $LAMBDA_INPUT_DIR $UNSET $1"]
    assert named_variables(lines, environ) == {"A": "1", "B_2": "2"}
