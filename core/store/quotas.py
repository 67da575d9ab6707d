"""What one person takes of a shared server now, held against their quotas: jobs at once, disk, uploads in a session.

To a person belong their runs, what was uploaded for them, and the datasets that they built last.
"""

from pathlib import Path

from core import access
from core.access import Person, Quota, in_words
from core.errors import AccessError
from core.store.job_uploads import LIVE, folder_size, size_of
from core.store.runs import Run
from core.store.workspace import Workspace

MAKING = ("build", "add", "demo")
NAMED = 3  # of the largest things that are named in an error


def quota_of(person: Person | None) -> Quota:
    """The limits of a person; none on a laptop. Raises RolesError."""
    return access.roles().quota(person.id, person.role) if person is not None and access.roles_on() else Quota()


def belongings(workspace: Workspace, person: Person) -> dict[str, int]:
    """What belongs to a person, in words, and its bytes; the largest first."""
    found: dict[str, int] = {}
    makers: dict[str, Run] = {}
    for run in workspace.runs.all():  # newest first
        if run.kind in MAKING and run.status == "done":
            makers.setdefault(run.dataset, run)
        if run.owner == person.id:
            found[f"run {run.id}"] = folder_size(run.path) + size_of(run) + _fetched(workspace.root, run)
    for name, run in makers.items():
        if run.owner == person.id:
            found[f"dataset {name}"] = folder_size(workspace.datasets_dir / name)
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def check_start(workspace: Workspace, more: int = 0) -> None:
    """Raises AccessError where whoever acts has no room for another job, or has used up their disk.

    ``more``: bytes that are to be written before the job begins. The message says what is used, what is allowed and
    what to do.
    """
    person = access.current()
    quota = quota_of(person)
    if person is None or quota == Quota():
        return
    if quota.jobs is not None:
        live = [run.id for run in workspace.runs.all() if run.owner == person.id and run.status in LIVE]
        if len(live) >= quota.jobs:
            which = f": {', '.join(live[:NAMED])}" if live else ""
            raise AccessError(
                f"You have {len(live)} of {quota.jobs} jobs at once{which}. Wait until one ends, or cancel it."
            )
    if quota.disk is not None:
        _check_disk(belongings(workspace, person), quota.disk, more)


def _check_disk(mine: dict[str, int], allowed: int, more: int) -> None:
    used = sum(mine.values())
    if used + more < allowed:
        return
    largest = ", ".join(f"{what} ({in_words(size)})" for what, size in list(mine.items())[:NAMED] if size)
    new = f", and this adds {in_words(more)}" if more else ""
    raise AccessError(
        f"You use {in_words(used)} of {in_words(allowed)} of the disk{new}. Have something of yours deleted"
        f"{f'; the largest: {largest}' if largest else ''}. Ask {access.roles().ask} for that, or for more."
    )


def check_upload(used: int, more: int) -> None:
    """Raises AccessError where an upload of ``more`` bytes is too much beside the ``used`` ones of this session."""
    allowed = quota_of(access.current()).upload
    if allowed is not None and used + more > allowed:
        raise AccessError(
            f"The upload has {in_words(more)}, and {in_words(used)} of {in_words(allowed)} of this session are used: "
            f"upload less, load the page again to forget the earlier ones, or ask {access.roles().ask} for more."
        )


def _fetched(root: Path, run: Run) -> int:
    """Bytes of what a job fetched into the data folder."""
    path = Path(str(((run.result or {}).get("metrics") or {}).get("path") or root))
    return path.stat().st_size if path.is_file() and path.is_relative_to(root) else 0
