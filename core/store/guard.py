"""The doors: whatever changes a data folder asks here first who acts, and leaves a line in the audit log.

A function is put behind a door by ``@guarded(role, action)``; its first argument is the workspace, or a run. What it
calls behind its own door needs the role as well, but leaves no second line.
"""

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from core import access
from core.access import Person, Role
from core.errors import AccessError, ArchscopeError, RolesError, StoreError
from core.store.audit import AuditLog
from core.store.runs import Run
from core.store.workspace import Workspace

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")
ROLE = "__role__"  # attribute of a guarded function
TOLD = ("label", "action", "kind", "source", "file_name")  # arguments that the audit log tells of
_inside: ContextVar[bool] = ContextVar("inside", default=False)


def guarded(
    role: Role | Callable[[Run], Role], action: str, recorded: bool = True
) -> Callable[[Callable[Parameters, Returned]], Callable[Parameters, Returned]]:
    """Puts a function that changes something behind a door: it raises AccessError, and does nothing, for lower roles.

    ``action`` is its name in the audit log; with ``recorded`` False only a refusal is told. ``role`` may depend on the
    run that the function is about.
    """

    def wrap(function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def behind(*arguments: Parameters.args, **named: Parameters.kwargs) -> Returned:
            bound = signature.bind(*arguments, **named)
            bound.apply_defaults()
            given = bound.arguments
            root, run = root_of(next(iter(given.values()))), _run(given)
            about = _about(given, run)
            needed = role if isinstance(role, Role) else role(run) if run else Role.TRAINER
            check(root, needed, action, **about)
            return _inside_of(root, action, about, recorded, lambda: function(*arguments, **named))

        setattr(behind, ROLE, role)
        return behind

    return wrap


def check(root: Path, role: Role, action: str, **about: str) -> Person:
    """Who acts, where they have the role; a refusal is told in the audit log. Raises AccessError, RolesError."""
    try:
        return access.require(role, _sentence(action, about))
    except AccessError as error:
        refused(root, action, str(error), **about)
        raise


def refused(root: Path, action: str, why: str, **about: str) -> None:
    """Tells the audit log of something that was not allowed."""
    record(root, action, "refused", **{**about, "detail": why})


def record(root: Path, action: str, outcome: str, **about: str) -> None:
    """Adds a line about who acts now. Raises StoreError where roles are on and the log cannot be written."""
    person = access.current()
    who = {"person": person.id, "role": person.role.word if person.role else "none"} if person else {}
    try:
        AuditLog(root).add(action=action, outcome=outcome, **who, **about)
    except StoreError:
        if access.roles_on():
            raise


def role_for(run: Run) -> Role:
    """What one must be to stop a run, or to go on with it: a trainer for one's own, an admin for somebody else's."""
    person = access.current()
    return Role.TRAINER if person is not None and run.owner == person.id else Role.ADMIN


def role_to_replace(workspace: Workspace, dataset: str) -> Role:
    """What one must be to build a dataset under a name: an admin where it is there and somebody else built it last."""
    if not (workspace.datasets_dir / dataset / "manifest.json").is_file():
        return Role.TRAINER
    made = (run for run in workspace.runs.all(dataset) if run.kind in ("build", "demo") and run.status == "done")
    maker, person = next(made, None), access.current()
    return Role.TRAINER if maker is not None and person is not None and maker.owner == person.id else Role.ADMIN


def root_of(first: object) -> Path:
    """The data folder of a workspace, or of a run."""
    if isinstance(first, Run):
        return first.path.parent.parent
    if isinstance(first, Workspace):
        return first.root
    raise TypeError(f"A guarded function begins with a Workspace or a Run, not with {type(first).__name__}.")


def about_run(run: Run) -> dict[str, str]:
    """What the audit log tells of a run."""
    try:
        return {"run": run.id, "kind": run.kind, "dataset": run.dataset}
    except StoreError:  # somebody deleted it meanwhile
        return {"run": run.id}


def _inside_of(root: Path, action: str, about: dict[str, str], recorded: bool, do: Callable[[], Returned]) -> Returned:
    told = recorded and not _inside.get()
    if told:
        record(root, action, "allowed", **about)
    token = _inside.set(True)
    try:
        return do()
    except (AccessError, RolesError):
        raise
    except ArchscopeError as error:
        if told:
            record(root, action, "failed", **{**about, "detail": str(error)})
        raise
    finally:
        _inside.reset(token)


def _run(given: dict[str, Any]) -> Run | None:
    """The run that the arguments name, where there is one."""
    first = next(iter(given.values()))
    named = next((value for value in given.values() if isinstance(value, Run)), None)
    if named is None and isinstance(first, Workspace) and "run_id" in given:
        try:
            return first.runs.get(str(given["run_id"]))
        except ArchscopeError:
            return None
    return named


def _about(given: dict[str, Any], run: Run | None) -> dict[str, str]:
    """Dataset, run and details, as far as the arguments name them."""
    about = about_run(run) if run else {"run": str(given["run_id"])} if "run_id" in given else {}
    dataset = given.get("name") or getattr(given.get("request"), "name", None)
    if dataset:
        about.setdefault("dataset", str(dataset))
    told = [f"{name} {given[name]}" for name in TOLD if isinstance(given.get(name), str) and given[name]]
    return about | ({"detail": ", ".join(told)} if told else {})


def _sentence(action: str, about: dict[str, str]) -> str:
    """ "To train a classifier" and the like, to begin a message with."""
    kind = f" ({about['kind']})" if about.get("kind") else ""
    return f"“{action}{kind}”"
