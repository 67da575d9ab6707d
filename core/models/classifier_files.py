"""A classifier's folder: the forest as skops, the arrays as npz, names and numbers as JSON. No pickle, either way."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import skops.io
from sklearn.ensemble import RandomForestClassifier
from skops.io.exceptions import UntrustedTypesFoundException

from core import settings
from core.errors import StoreError

FOREST, ARRAYS_FILE, FACTS = "forest.skops", "classifier.npz", "classifier.json"
ARRAYS = ("gene_index", "target", "reference", "medians", "thresholds")
# Types of a forest's file beyond those that skops itself trusts; a file that asks for any other is refused.
TRUSTED = frozenset({"sklearn.tree._tree.Tree"})


def write(
    directory: Path, forest: RandomForestClassifier, arrays: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, Any]
) -> None:
    """Writes the three files, overwriting those of an earlier model; the JSON comes last."""
    directory.mkdir(parents=True, exist_ok=True)
    skops.io.dump(forest, directory / FOREST, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    np.savez_compressed(directory / ARRAYS_FILE, allow_pickle=False, **arrays)
    (directory / FACTS).write_text(json.dumps(facts, sort_keys=True, indent=1), encoding="utf-8")


def read(directory: Path) -> tuple[RandomForestClassifier, dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """The forest, the arrays and the facts. Raises StoreError, naming the file, where one cannot be used."""
    path = directory / FACTS
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        path = directory / ARRAYS_FILE
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        path = directory / FOREST
        forest = _read_forest(path)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise StoreError(f"{path} cannot be used ({error}): train the classifier again.") from error
    _check(directory, forest, arrays, facts)
    return forest, arrays, facts


def _read_forest(path: Path) -> RandomForestClassifier:
    untrusted = sorted(set(skops.io.get_untrusted_types(file=path)) - TRUSTED)
    if untrusted:
        raise StoreError(f"{path} holds types that are not trusted ({', '.join(untrusted)}): it was not written by us.")
    try:
        forest = skops.io.load(path, trusted=sorted(TRUSTED))
    except UntrustedTypesFoundException as error:
        raise StoreError(f"{path} holds types that are not trusted ({error}): it was not written by us.") from error
    if not isinstance(forest, RandomForestClassifier):
        raise StoreError(f"{path} holds a {type(forest).__name__}, not a random forest: train the classifier again.")
    _check_trees(path, forest)
    return forest.set_params(n_jobs=settings.n_threads())


def _check_trees(path: Path, forest: RandomForestClassifier) -> None:
    """Trees follow these numbers without looking, so a wrong one would read memory that is not theirs."""
    for tree in (estimator.tree_ for estimator in forest.estimators_):
        inner = tree.children_left != -1
        children = np.concatenate([tree.children_left[inner], tree.children_right[inner]])
        parents = np.tile(np.flatnonzero(inner), 2)
        genes = tree.feature[inner]
        if np.any((children <= parents) | (children >= tree.node_count) | (np.tile(genes, 2) < 0)) or np.any(
            genes >= forest.n_features_in_
        ):
            raise StoreError(f"{path} holds a damaged tree: train the classifier again.")


def _check(
    directory: Path, forest: RandomForestClassifier, arrays: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, Any]
) -> None:
    """The three files belong together."""
    missing = [name for name in ARRAYS if name not in arrays]
    missing += [name for name in ("recipe", "label_names", "calibration") if name not in facts]
    if missing:
        raise StoreError(f"The classifier in {directory} lacks {missing[0]!r}: train the classifier again.")
    n_labels = len(facts["label_names"])
    if (
        forest.n_features_in_ != len(arrays["gene_index"])
        or not n_labels == len(arrays["thresholds"]) == forest.n_outputs_
    ):
        raise StoreError(f"The files of the classifier in {directory} do not belong together: train it again.")
