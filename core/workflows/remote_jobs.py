"""Jobs about remote files: their parameters as JSON, and what each leaves as its result."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from core.access import Role
from core.errors import RecipeError
from core.store.guard import guarded
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import Progress
from core.workflows.remote import download_file, read_listing
from core.workflows.remote_choice import RemoteChoice
from core.workflows.remote_slices import FetchRequest, estimate, fetch

REMOTE_KINDS = ("metadata", "estimate", "fetch", "download")


def request_parameters(source: str, choice: RemoteChoice) -> dict[str, Any]:
    """A request as a job's parameters."""
    return {"source": source, "choice": asdict(choice)}


@guarded(Role.TRAINER, "run", recorded=False)
def perform_remote(workspace: Workspace, run: Run, progress: Progress) -> dict[str, Any]:
    """Does a job of one of ``REMOTE_KINDS``; its metrics. Raises what the workflow raises, RecipeError."""
    parameters = run.recipe["parameters"]
    source = str(parameters.get("source", ""))
    if run.kind == "metadata":
        listing = read_listing(workspace, source, progress)
        return {"address": listing.address, "n_biosamples": len(listing.biosamples), **listing.about}
    if run.kind == "download":
        path, cached = download_file(workspace, source, progress=progress)
        return {"path": str(path), "cached": cached, "bytes": path.stat().st_size}
    if run.kind == "estimate":
        return asdict(estimate(workspace, FetchRequest(source, _choice(parameters)), progress))
    if run.kind == "fetch":
        outcome = fetch(workspace, FetchRequest(source, _choice(parameters)), progress)
        return asdict(outcome) | {"path": str(outcome.path)}
    raise RecipeError(f"Unknown kind of run {run.kind!r}.")


def _choice(parameters: Mapping[str, Any]) -> RemoteChoice:
    given = dict(parameters.get("choice") or {})
    return RemoteChoice(**{**given, "samples": tuple(given.get("samples", ()))})
