"""Runs contestants side by side: in each round every one of them once, in turn from the first and from the last."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import clock, proof
from benchmarks.model import Place, State, empty
from benchmarks.results import Result
from benchmarks.tools import interpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.model import Contestant, Scenario, Workload

__all__ = ["Suite"]


@dataclass(kw_only=True, slots=True)
class _Runner:
    """A contestant at one workload: its folders, and how far its project has come."""

    contestant: Contestant
    workload: Workload
    place: Place
    state: State = field(default_factory=State)
    built: bool = False
    times: list[clock.Timed] = field(default_factory=list)
    held: proof.Held | None = None
    memory: int | None = None

    @property
    def log(self) -> Path:
        """Of the last command."""
        return self.place.root / "log.txt"

    def prime(self) -> None:
        """Build once, untimed: package caches are warm then, and there is something to build on.

        Of an earlier run of the suite only packages stay: it has seen the same edits and versions.
        """
        if self.built:
            return
        self.place.packages.mkdir(parents=True, exist_ok=True)
        empty(self.place.project)
        self.contestant.forget_build(self.place)
        self.contestant.write(self.place, self.workload, self.state)
        clock.timed(self.contestant.command(self.place, self.workload), self.log)
        self.prove(runs=True)
        self.built = True

    def prepare(self, scenario: Scenario) -> None:
        """Bring the project to where the scenario begins, and change what it changes."""
        if scenario.forgets_packages:
            self.contestant.forget_packages(self.place)
        if scenario.forgets_build:
            self.contestant.forget_build(self.place)
        self.state = State(edit=self.state.edit + scenario.edits, version=self.state.version + scenario.bumps)
        self.contestant.write(self.place, self.workload, self.state)

    def prove(self, *, runs: bool) -> None:
        """Its zips are what was asked for."""
        zips = self.contestant.zips(self.place, self.workload)
        if zips:
            self.held = proof.prove(zips, self.workload, self.state, runs=runs)


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What is run.

    Args:
        root: an empty folder, or one that an earlier run left.
        tools: folder of the programs, which is not shown in results.
        runs: rounds.
        memory: one more round, in which memory is looked at.
        say: progress.
    """

    root: Path
    tools: Path
    runs: int
    memory: bool
    say: Callable[[str], None]

    def run(
        self, workload: Workload, scenarios: Sequence[Scenario], contestants: Sequence[Contestant]
    ) -> Iterator[Result]:
        """Every contestant in every scenario; results come scenario by scenario.

        Raises:
            BenchmarkError: a contestant failed, or did less than it has to.
        """
        runners = [self._runner(one, workload) for one in contestants]
        for runner in runners:
            self.say(f"{workload.key} {runner.contestant.key}: first build")
            runner.prime()
        for scenario in scenarios:
            yield from self._scenario(scenario, runners)

    def prepared(self, contestant: Contestant, workload: Workload, scenario: Scenario) -> Place:
        """The folders of a contestant, at the moment before a build of the scenario would be timed."""
        runner = self._runner(contestant, workload)
        runner.prime()
        if scenario.bumps:
            self._warm([runner])
        runner.prepare(scenario)
        return runner.place

    def _runner(self, contestant: Contestant, workload: Workload) -> _Runner:
        return _Runner(
            contestant=contestant, workload=workload, place=Place(root=self.root / workload.key / contestant.key)
        )

    def _scenario(self, scenario: Scenario, runners: Sequence[_Runner]) -> Iterator[Result]:
        for runner in runners:
            runner.times.clear()
        if scenario.bumps:
            self._warm(runners)
        for number in range(self.runs):
            for runner in runners if number % 2 == 0 else reversed(runners):
                runner.prepare(scenario)
                command = runner.contestant.command(runner.place, runner.workload)
                os.sync()  # what others wrote is not on this one's time
                runner.times.append(clock.timed(command, runner.log))
                runner.prove(runs=number == 0)
                self.say(
                    f"{runner.workload.key} {scenario.key} {number + 1}/{self.runs} "
                    f"{runner.contestant.key}: {runner.times[-1].seconds:.3f} s"
                )
        for runner in runners:
            if self.memory:
                runner.prepare(scenario)
                runner.memory = clock.memory(runner.contestant.command(runner.place, runner.workload), runner.log)
                runner.prove(runs=False)
            yield self._result(scenario, runner)

    def _warm(self, runners: Sequence[_Runner]) -> None:
        """Put every version of the bumped package into package caches: a download is not what is compared."""
        for runner in runners:
            name, versions = runner.workload.bump.name, runner.workload.bump.versions
            if self.runs + self.memory >= len(versions):
                raise clock.BenchmarkError(f"{name} has {len(versions)} versions, too few for {self.runs} runs")
            requirements = [f"{name}=={version}" for version in versions[1 : self.runs + self.memory + 1]]
            command = runner.contestant.warm(runner.place, runner.workload, requirements)
            if command is not None:
                clock.timed(command, runner.log)

    def _result(self, scenario: Scenario, runner: _Runner) -> Result:
        script = runner.contestant.command(runner.place, runner.workload).script
        python = runner.workload.python
        known = {runner.place.root: "$PLACE", self.tools: "$TOOLS", interpreter(python): f"python{python}"}
        for path, name in known.items():
            script = script.replace(str(path), name)
        held = runner.held and dataclasses.asdict(runner.held)
        return Result(
            workload=runner.workload.key,
            scenario=scenario.key,
            contestant=runner.contestant.key,
            title=runner.contestant.title,
            script=script,
            seconds=tuple(round(took.seconds, 4) for took in runner.times),
            processor=tuple(round(took.processor, 4) for took in runner.times),
            memory=runner.memory,
            **{name: held[name] for name in ("size", "unzipped", "files")} if held else {},
        )
