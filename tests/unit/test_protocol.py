"""The protocol of step, delete and duplicate as a small model, in every order in which it can happen."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import pytest

Kind = Literal["step", "purge"]


@dataclass(frozen=True)
class Rules:
    """What the runtime promises; each can be switched off to see that the explorer notices."""

    fence: bool = True
    """The record looks at token, state and generation in its own transaction."""
    clean_up: bool = True
    """Who meets a later generation or a tombstone removes its own effects before it acknowledges."""
    clean_up_after_lost_lease: bool = True
    """Also who finds that another took over, and that there is nothing any more to take over."""
    claim: bool = True
    """An entry in the inbox, committed before the work; a duplicate gets the stored reply."""


class Worker(NamedTuple):
    """One delivery in the hands of one process; a zombie holds neither the claim nor the delivery."""

    kind: Kind
    at: Literal["take", "work", "record", "undo", "ack"]
    claims: bool = False
    delivers: bool = True


class World(NamedTuple):
    """Everything that survives a crash, the processes, and the faults that may still come."""

    row: Literal["uploaded", "processed", "deleting"] | None = "uploaded"
    effect: bool = False
    entries: tuple[tuple[Kind, bool], ...] = ()
    """Entries of the inbox: done, or worked on by whoever claims it."""
    records: int = 0
    waiting: tuple[Kind, ...] = ("step", "step")
    workers: tuple[Worker, ...] = ()
    deleted: bool = False
    crashes: int = 0
    zombies: int = 0


def following(world: World, rules: Rules) -> Iterator[World]:
    """Every world that one step of one actor leads to."""
    if not world.deleted and world.row is not None:
        yield world._replace(deleted=True, row="deleting", waiting=(*world.waiting, "purge"))
    for kind in sorted(set(world.waiting)):
        rest = list(world.waiting)
        rest.remove(kind)
        yield world._replace(waiting=tuple(rest), workers=_with(world.workers, Worker(kind, "take")))
    for place, worker in enumerate(world.workers):
        others = world.workers[:place] + world.workers[place + 1 :]
        alone = world._replace(workers=others)
        yield from _moved(alone, worker, rules)
        yield from _struck(alone, worker)


def _moved(world: World, worker: Worker, rules: Rules) -> Iterator[World]:
    """The worker goes one step further."""
    match worker.at:
        case "take":
            yield from _take(world, worker, rules)
        case "work":
            yield _and(world._replace(effect=worker.kind == "step"), worker._replace(at="record"))
        case "record":
            yield _record(world, worker, rules)
        case "undo":
            yield _and(world._replace(effect=False), worker._replace(at="ack"))
        case "ack":
            yield world


def _take(world: World, worker: Worker, rules: Rules) -> Iterator[World]:
    entries = dict(world.entries)
    if _is_superseded(world, worker.kind):
        yield _and(world, worker._replace(at="undo" if rules.clean_up else "ack"))
    elif rules.claim and entries.get(worker.kind):
        yield _and(world, worker._replace(at="ack"))
    elif not rules.claim or not any(other.kind == worker.kind and other.claims for other in world.workers):
        claimed = world._replace(entries=tuple(sorted((entries | {worker.kind: False}).items())))
        yield _and(claimed, worker._replace(at="work", claims=True))


def _record(world: World, worker: Worker, rules: Rules) -> World:
    if rules.fence:
        if _is_superseded(world, worker.kind):
            cleans = rules.clean_up if worker.claims else rules.clean_up_after_lost_lease
            return _and(world, worker._replace(at="undo" if cleans else "ack", claims=False))
        if rules.claim and not worker.claims:
            return _again(world, worker)
    done = tuple(sorted((dict(world.entries) | {worker.kind: True}).items()))
    after = world._replace(row="processed" if worker.kind == "step" else None, entries=done)
    records = world.records + (worker.kind == "step")
    return _and(after._replace(records=records), worker._replace(at="ack", claims=False))


def _struck(world: World, worker: Worker) -> Iterator[World]:
    """The process dies; or it sleeps beyond its lease, others take over, and it wakes up."""
    if world.crashes:
        yield _again(world._replace(crashes=world.crashes - 1), worker)
    if world.zombies and worker.claims:
        asleep = worker._replace(claims=False, delivers=False)
        yield _again(_and(world._replace(zombies=world.zombies - 1), asleep), worker)


def _again(world: World, worker: Worker) -> World:
    """The delivery comes again, if it was still this worker's."""
    return world._replace(waiting=tuple(sorted((*world.waiting, worker.kind)))) if worker.delivers else world


def _is_superseded(world: World, kind: Kind) -> bool:
    return world.row is None or (world.row == "deleting") != (kind == "purge")


def _with(workers: tuple[Worker, ...], worker: Worker) -> tuple[Worker, ...]:
    return tuple(sorted((*workers, worker)))


def _and(world: World, worker: Worker) -> World:
    return world._replace(workers=_with(world.workers, worker))


def wrongs(world: World) -> set[str]:
    """What is wrong where nothing more can happen by itself."""
    found = {
        "lost": not world.deleted and (world.row != "processed" or not world.effect),
        "doubled": world.records > 1,
        "stuck": world.deleted and world.row is not None,
        "orphan": world.row is None and world.effect,
        "blocked": bool(world.workers or world.waiting),
    }
    return {name for name, is_so in found.items() if is_so}


def explore(rules: Rules, crashes: int = 0, zombies: int = 0) -> tuple[set[str], int]:
    """Everything that goes wrong at any end of any order, and how many worlds were seen."""
    stack = [World(crashes=crashes, zombies=zombies)]
    seen, bad = set(stack), set[str]()
    while stack:
        world = stack.pop()
        calm = world._replace(crashes=0, zombies=0)
        if not any(True for _ in following(calm, rules)) or (not world.workers and not world.waiting):
            bad |= wrongs(world)
        fresh = set(following(world, rules)) - seen
        seen |= fresh
        stack += fresh
    return bad, len(seen)


@pytest.mark.promises("R36", "O1", "O4")
@pytest.mark.parametrize("faults", [(0, 0), (1, 0), (2, 0), (0, 1)])
def test_no_order_of_step_delete_duplicate_and_two_crashes_ends_badly(faults: tuple[int, int]) -> None:
    bad, seen = explore(Rules(), *faults)
    assert bad == set()
    assert seen > 100


@pytest.mark.promises("R36")
def test_a_zombie_that_also_dies_leaves_at_most_an_orphan_for_the_sweeper() -> None:
    bad, _ = explore(Rules(), crashes=1, zombies=1)
    assert bad <= {"orphan"}


@pytest.mark.promises("R36")
@pytest.mark.parametrize(
    ("broken", "faults", "wrong"),
    [
        (replace(Rules(), fence=False), (0, 0), "orphan"),
        (replace(Rules(), fence=False), (0, 0), "stuck"),
        (replace(Rules(), clean_up=False), (1, 0), "orphan"),
        (replace(Rules(), clean_up_after_lost_lease=False), (0, 1), "orphan"),
        (replace(Rules(), claim=False), (0, 0), "doubled"),
    ],
)
def test_the_explorer_notices_every_rule_that_is_missing(broken: Rules, faults: tuple[int, int], wrong: str) -> None:
    bad, _ = explore(broken, *faults)
    assert wrong in bad
