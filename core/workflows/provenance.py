"""Where a table, a figure or a report comes from: dataset, content, recipe, version, date and address of the view."""

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version

from core import __version__
from core.store.datasets import StoredDataset, canonical

SHORT = 8  # characters of a fingerprint in file names
LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn")


def provenance(dataset: StoredDataset | None, address: str = "", **more: str) -> dict[str, str]:
    """What is written into an export, as text by name; ``more`` is added as it is.

    ``address`` of the view that was exported. Without a dataset (a list of datasets, say) its entries are left out.
    """
    found = {"program": f"ARCHScope {__version__}"}
    if dataset is not None:
        found |= {
            "dataset": dataset.name,
            "fingerprint": dataset.fingerprint,
            "recipe": canonical(dataset.recipe),
            "data": "simulated, never measured" if dataset.simulated else "measured",
            "labels": f"{dataset.labels_hash}, {dataset.edits_applied} edits applied",
        }
    written = datetime.now(UTC).isoformat(timespec="seconds")
    return found | {"exported": written} | ({"address": address} if address else {}) | more


def file_stem(stem: str, dataset: StoredDataset | None) -> str:
    """A file's name without its ending, with the dataset's fingerprint in it: "demo-1a2b3c4d-rankings"."""
    if dataset is None:
        return stem
    rest = stem.removeprefix(dataset.name).lstrip("-")
    marked = f"{dataset.name}-{dataset.fingerprint[:SHORT]}"
    return f"{marked}-{rest}" if rest else marked


def embedded(found: Mapping[str, str]) -> str:
    """Provenance as one line of JSON, to put into a file's own metadata."""
    return json.dumps(dict(found), ensure_ascii=False, sort_keys=True)


@cache
def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that compute."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
