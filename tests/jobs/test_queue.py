"""Which jobs may run: decided from tickets alone, and held by real processes that end or are killed."""

import itertools
import json
import random
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest

from core.jobs.queue import Limits, Ticket, gigabytes, in_turn, reason_to_wait, running
from tests.jobs import fake_job

GB = 10**9


def ticket(number, sort="training", owner="", memory=GB, at_work=False):
    return Ticket(f"r{number}", sort, (number, f"r{number}"), owner, memory, 0, at_work)


def may_go(waiting, at_work, limits):
    """Runs of those that find no reason to wait."""
    tickets = [*waiting, *at_work]
    return [
        one.run for one in waiting if not reason_to_wait(one, [each for each in tickets if each is not one], limits)
    ]


def test_places_of_a_sort_are_for_that_sort_alone():
    at_work = [ticket(1, at_work=True), ticket(2, at_work=True)]
    waiting = [ticket(3), ticket(4, "building"), ticket(5, "fetching")]
    assert may_go(waiting, at_work, Limits(2, 100 * GB)) == ["r4", "r5"]
    assert "2 other jobs of its kind" in reason_to_wait(waiting[0], [*at_work, *waiting[1:]], Limits(2, 100 * GB))


def test_memory_is_shared_by_all_sorts_and_said():
    at_work = [ticket(1, "building", memory=int(3.2 * GB), at_work=True)]
    why = reason_to_wait(ticket(2), at_work, Limits(2, 4 * GB))
    assert why == "waiting for memory: 3.2 of 4 GB in use, it needs 1 GB"
    assert reason_to_wait(ticket(2, memory=int(0.8 * GB)), at_work, Limits(2, 4 * GB)) == ""


def test_a_big_job_is_not_overtaken_by_small_ones_that_would_fit():
    at_work = [ticket(1, memory=2 * GB, at_work=True)]
    waiting = [ticket(2, memory=3 * GB), ticket(3, memory=GB // 2), ticket(4, "fetching", memory=GB // 2)]
    assert may_go(waiting, at_work, Limits(9, 4 * GB)) == []
    assert "behind a job that waits for memory" in reason_to_wait(waiting[1], [*at_work, waiting[0]], Limits(9, 4 * GB))
    assert may_go(waiting, [], Limits(9, 4 * GB)) == ["r2", "r3", "r4"]


def test_a_job_over_the_limit_runs_when_it_is_alone():
    big = ticket(1, memory=9 * GB)
    assert may_go([big], [], Limits(2, 4 * GB)) == ["r1"]
    assert may_go([big], [ticket(2, at_work=True, memory=1)], Limits(2, 4 * GB)) == []
    assert may_go([big, ticket(3)], [], Limits(2, 4 * GB)) == ["r1"]


def test_people_take_turns():
    waiting = [ticket(1, owner="ada"), ticket(2, owner="ada"), ticket(3, owner="ada"), ticket(4, owner="bob")]
    assert [one.run for one in in_turn(waiting)] == ["r1", "r4", "r2", "r3"]
    at_work = [ticket(0, owner="ada", at_work=True)]
    assert [one.run for one in in_turn([*waiting, *at_work])] == ["r4", "r1", "r2", "r3"]


@pytest.mark.parametrize("seed", range(20))
def test_played_to_the_end_limits_hold_nobody_waits_for_ever_and_big_ones_get_their_turn(seed):
    draw = random.Random(seed)
    limits = Limits(draw.randint(1, 3), 4 * GB)
    left = [
        ticket(n, draw.choice(["training", "building"]), draw.choice("abc"), draw.randint(1, 5 * GB)) for n in range(12)
    ]
    asked, at_work, begun = list(left), [], []
    for _ in range(100):
        for one in list(left):
            if not reason_to_wait(one, [*at_work, *(each for each in left if each is not one)], limits):
                left.remove(one)
                at_work.append(replace(one, running=True))
                begun.append(one.run)
        assert at_work or not left
        assert sum(one.memory for one in at_work) <= limits.memory or len(at_work) == 1
        for sort in ("training", "building"):
            assert sum(one.sort == sort for one in at_work) <= limits.places
        if at_work:
            at_work.pop(draw.randrange(len(at_work)))
    assert left == []
    assert len(begun) == 12
    for owner, sort in itertools.product("abc", ("training", "building")):
        mine = [
            one.order for run in begun for one in asked if one.run == run and (one.owner, one.sort) == (owner, sort)
        ]
        assert mine == sorted(mine)


def test_gigabytes_as_people_say_them():
    assert [gigabytes(size) for size in (4e9, 3.24e9, 0.35e9, 12.96e9)] == ["4", "3.2", "0.35", "13"]


# -- real processes ------------------------------------------------------------------------------------------------


@pytest.fixture
def launch(tmp_path):
    """Starts fake jobs on one queue; ends those that are left."""
    children = []

    def begin(one, places=2, memory=4 * GB, seconds=0.4):
        words = [str(tmp_path / "jobs"), json.dumps(asdict(one)), str(places), str(memory), str(seconds)]
        children.append(subprocess.Popen([sys.executable, fake_job.__file__, *words]))
        return children[-1]

    yield begin
    for child in children:
        child.kill()
        child.wait()


def events(tmp_path):
    path = tmp_path / "events.txt"
    return [tuple(line.split("\t")) for line in path.read_text().splitlines()] if path.exists() else []


def wait_for(what, seconds=60.0):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
    return found


def test_processes_keep_within_places_and_memory(launch, tmp_path):
    sizes = {f"r{n}": (1 + n % 3) * GB for n in range(8)}
    children = [launch(ticket(n, memory=sizes[f"r{n}"]), places=3) for n in range(8)]
    assert [child.wait(60) for child in children] == [0] * 8
    at_work, most = set(), 0
    for what, run in events(tmp_path):
        if what == "begins":
            at_work.add(run)
        elif what == "ends":
            at_work.remove(run)
        most = max(most, len(at_work))
        assert len(at_work) <= 3
        assert sum(sizes[one] for one in at_work) <= 4 * GB
    assert most > 1
    assert running(tmp_path / "jobs") == []
    assert list((tmp_path / "jobs").glob("*.json")) == []


def test_a_killed_process_gives_its_place_and_memory_back_and_one_that_waits_leaves_the_line(launch, tmp_path):
    holder = launch(ticket(1, memory=3 * GB), seconds=-1)
    wait_for(lambda: ("begins", "r1") in events(tmp_path))
    waiter = launch(ticket(2, memory=3 * GB))
    wait_for(lambda: ("waits: waiting for memory: 3 of 4 GB in use, it needs 3 GB", "r2") in events(tmp_path))
    small = launch(ticket(3, memory=GB))
    wait_for(lambda: [run for what, run in events(tmp_path) if "behind" in what] == ["r3"])
    waiter.kill()
    assert small.wait(60) == 0  # nobody is ahead of it any more, and it fits beside the first
    assert [one.run for one in running(tmp_path / "jobs")] == ["r1"]
    last = launch(ticket(4, memory=4 * GB))
    wait_for(lambda: any(run == "r4" for _, run in events(tmp_path)))
    assert ("begins", "r4") not in events(tmp_path)
    holder.kill()
    assert last.wait(60) == 0
    assert ("begins", "r4") in events(tmp_path)
