"""Sessions at once: one person alone, or many of whom some upload and some train, all in one event loop."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.load import apart
from tests.load.behaviour import Log, User
from tests.load.cast import Cast
from tests.load.served import FORGOTTEN, Served
from tests.load.session import Session

TRAININGS = ("classifier", "generator")


@dataclass(frozen=True)
class Plan:
    """How many come, for how long (seconds), how long they read before each action, and what some of them do."""

    people: int
    seconds: float
    pause: tuple[float, float]
    first: int  # number of the first person
    uploads: int = 0
    trainings: Sequence[str] = ()
    actions: int | None = None  # of each person, at most


def play(served: Served, cast: Cast, plan: Plan) -> Log:
    """Everybody of a plan at once; what happened to them together."""
    return apart.run(_play(served, cast, plan))


def warm_up(served: Served, cast: Cast, first: int, people: int = 3, at_once: int = 1) -> Log:
    """A few persons open each page once, do each thing once and upload a file; then their sessions are forgotten."""

    async def visit(number: int, log: Log) -> None:
        async def work(user: User) -> None:
            await user.every_page()
            await user.classify(cast.file(cast.person(number)), (0.1, 0.2))

        await _as_user(served, cast, number, log, work)

    async def all_of_them() -> Log:
        log = Log()
        for start in range(first, first + people, at_once):
            await asyncio.gather(*(visit(number, log) for number in range(start, start + at_once)))
        return log

    return apart.run(all_of_them())


def forget(served: Served) -> None:
    """Waits until closed sessions may go, and lets another come and go: only then the app looks what is out of date."""

    async def come_and_go() -> None:
        session = Session(served.address)
        async with session.connected():
            await session.open("")
        await asyncio.sleep(1)

    for _ in range(2):
        time.sleep(FORGOTTEN + 2)
        apart.run(come_and_go())


async def _play(served: Served, cast: Cast, plan: Plan) -> Log:
    log = Log()
    until = time.monotonic() + plan.seconds
    await asyncio.gather(*(_one(served, cast, plan, place, log, until) for place in range(plan.people)))
    return log


async def _one(served: Served, cast: Cast, plan: Plan, place: int, log: Log, until: float) -> None:
    """A person of a plan: comes within the first pause, and does what falls to the place in the middle of browsing."""
    await asyncio.sleep(plan.pause[1] * place / max(1, plan.people))
    number = plan.first + place

    async def work(user: User) -> None:
        half = (until - time.monotonic()) / 2
        actions = None if plan.actions is None else plan.actions // 2
        await user.browse(time.monotonic() + half, plan.pause, actions)
        if place < plan.uploads:
            await user.classify(cast.file(cast.person(number)), plan.pause)
        elif place < plan.uploads + len(plan.trainings):
            await user.train(plan.trainings[place - plan.uploads])
        await user.browse(until, plan.pause, actions)

    await _as_user(served, cast, number, log, work)


async def _as_user(served: Served, cast: Cast, number: int, log: Log, work: Callable[[User], Awaitable[None]]) -> None:
    """One session from its first view to its end; what stops it is noted, and stops nobody else."""
    person, session = cast.person(number), Session(served.address)
    try:
        async with session.connected():
            user = User(person, session, log)
            await user.arrive()
            await work(user)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what this test looks for
        log.problems.append(f"{person.name} was stopped: {error!r}")
    log.received += session.received
    log.problems += [f"{person.name}: {text}" for text in session.problems]
