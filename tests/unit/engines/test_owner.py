from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
import sys

import pytest

from lambda_backend.engines.owner import OWNER_LABEL, Owner, is_leftover, labels, terminates_cleanly


def test_an_owner_survives_its_label() -> None:
    owner = Owner.current()
    assert Owner.parse(str(owner)) == owner
    assert owner.pid == os.getpid()
    assert not owner.is_dead()


def test_a_process_that_ended_is_dead_and_one_elsewhere_is_not_judged() -> None:
    current = Owner.current()
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert Owner(current.place, child.pid, "").is_dead()
    assert not Owner("elsewhere//", child.pid, "").is_dead()


def test_a_process_that_ended_is_dead_before_its_parent_asks() -> None:
    current = Owner.current()
    if not current.started:
        pytest.skip("this system does not tell a process's state")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert not Owner(current.place, child.pid, "").is_dead()
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        os.kill(child.pid, 0)  # it is still listed
        assert Owner(current.place, child.pid, "").is_dead()


def test_a_reused_process_id_is_told_apart() -> None:
    current = Owner.current()
    if not current.started:
        pytest.skip("this system does not tell when a process started")
    assert Owner(current.place, current.pid, "1").is_dead()


_AS_ANOTHER_USER = """
import os, sys
from lambda_backend.engines.owner import Owner
owner = Owner.current()
os.setgid(65534)
os.setuid(65534)
print(Owner(owner.place, int(sys.argv[1]), sys.argv[2]).is_dead())
"""


def test_a_process_that_is_hidden_from_others_is_not_judged() -> None:
    if tuple(map(int, re.findall(r"\d+", platform.release())[:2])) < (5, 8):
        pytest.skip("an older kernel would hide processes from everybody, not only in here")
    current = Owner.current()
    hidden = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"'
    argv = [sys.executable, "-c", _AS_ANOTHER_USER, str(current.pid), current.started]
    unshared = ["unshare", "--mount", "--propagation", "private", "sh", "-c", hidden, "sh"]
    try:
        done = subprocess.run([*unshared, *argv], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("this system has no unshare")
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip("only root may mount")
    assert done.stdout == "False\n", done.stderr


def test_leftovers_are_ours_of_the_dead_or_stopped_elsewhere() -> None:
    elsewhere = {OWNER_LABEL: "another-machine 1 2"}
    assert not is_leftover(labels(), "running")
    assert not is_leftover(labels(), "created")
    assert not is_leftover(labels(), "exited")
    assert not is_leftover(elsewhere, "running")
    assert is_leftover(elsewhere, "exited")
    assert not is_leftover({}, "exited")
    assert not is_leftover({OWNER_LABEL: "nonsense"}, "exited")


def test_sigterm_ends_with_143_and_is_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught, terminates_cleanly(), terminates_cleanly():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    assert caught.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_somebody_elses_handler_is_left_alone() -> None:
    def theirs(*_: object) -> None: ...

    before = signal.signal(signal.SIGTERM, theirs)
    try:
        with terminates_cleanly():
            assert signal.getsignal(signal.SIGTERM) is theirs
    finally:
        signal.signal(signal.SIGTERM, before)
