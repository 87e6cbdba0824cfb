"""Runs commands in pairs, ours and a peer's in turn, so that what else the machine does falls on both."""

import dataclasses
import os
import statistics
import time


@dataclasses.dataclass
class Run:
    seconds: float
    cpu: float
    peak_bytes: int


@dataclasses.dataclass
class Command:
    """One side of a pair. `before` runs ahead of every repetition and is not timed."""

    argv: list
    directory: str
    environment: dict
    before: object = None
    allowed: tuple = (0,)


class CommandFailed(Exception):
    pass


def run(command, log):
    """Starts the command, waits for its end, and returns time, processor time and peak memory of its tree."""
    if command.before:
        command.before()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    os.chdir(command.directory)
    start = time.perf_counter_ns()
    child = os.posix_spawnp(command.argv[0], command.argv, command.environment, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    seconds = (time.perf_counter_ns() - start) / 1e9
    code = os.waitstatus_to_exitcode(status)
    if code not in command.allowed:
        with open(log, encoding="utf-8", errors="replace") as file:
            tail = file.read()[-2000:]
        raise CommandFailed(f"{' '.join(command.argv)} in {command.directory} ended with {code}:\n{tail}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


@dataclasses.dataclass
class Sample:
    """The repetitions of one command."""

    runs: list

    @property
    def times(self):
        return [run.seconds for run in self.runs]

    @property
    def median(self):
        return statistics.median(self.times)

    @property
    def cpu(self):
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak_bytes(self):
        return max(run.peak_bytes for run in self.runs)


def measure(commands, repetitions, log, warmups=1):
    """Samples of several commands, run in turn: a b a b …"""
    samples = [Sample([]) for _ in commands]
    for repetition in range(warmups + repetitions):
        # The order changes with every round: a command that warms something must not favour the next one.
        order = list(range(len(commands)))
        if repetition % 2:
            order.reverse()
        for index in order:
            result = run(commands[index], log)
            if repetition >= warmups:
                samples[index].runs.append(result)
    return samples


def ratio(ours, peer):
    """The median of the ratios of the pairs."""
    return statistics.median(a / b for a, b in zip(ours.times, peer.times))


def difference(left, right):
    """The median of the differences of the pairs, in seconds."""
    return statistics.median(a - b for a, b in zip(left.times, right.times))
