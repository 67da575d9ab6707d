"""A classifier's folder: the trees as skops, the arrays as npz, names and numbers as JSON. No pickle, either way.

A linear model has no file of trees: its weights are arrays like any other.
"""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import skops.io
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from skops.io.exceptions import UntrustedTypesFoundException

from core import settings
from core.array_files import DAMAGE, read_arrays
from core.errors import StoreError
from core.models.forest import Forest, Trees
from core.models.label_sets import LabelSets
from core.models.linear import Linear

FOREST, ARRAYS_FILE, FACTS = "forest.skops", "classifier.npz", "classifier.json"
_FACTS = {"recipe": str, "label_names": list, "settings": dict, "calibration": dict}
ARRAYS = ("gene_index", "target", "reference", "medians", "thresholds")
# Types of a forest's file beyond those that skops itself trusts; a file that asks for any other is refused.
TRUSTED = frozenset({"sklearn.tree._tree.Tree"})


def write(
    directory: Path, model: Forest | Linear, arrays: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, Any]
) -> None:
    """Writes the files, overwriting those of an earlier model; the JSON comes last."""
    directory.mkdir(parents=True, exist_ok=True)
    if isinstance(model, Forest):
        skops.io.dump(model.trees, directory / FOREST, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
    else:
        arrays = {**arrays, **model.arrays()}
    np.savez_compressed(directory / ARRAYS_FILE, allow_pickle=False, **arrays)
    (directory / FACTS).write_text(json.dumps(facts, sort_keys=True, indent=1), encoding="utf-8")


def read(directory: Path) -> tuple[Forest | Linear, dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """The model, the arrays and the facts. Raises StoreError, naming the file, where one cannot be used."""
    path = directory / FACTS
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        path = directory / ARRAYS_FILE
        arrays = read_arrays(path)
        _check(directory, arrays, facts)
        sets = LabelSets(arrays["sets"].astype(bool))
        if "linear_weights" in arrays:
            model: Forest | Linear = Linear.from_arrays(arrays, sets)
        else:
            path = directory / FOREST
            model = Forest(_read_trees(path), sets)
        _check_model(directory, model, arrays, facts)
    except DAMAGE as error:
        raise StoreError(f"{path} cannot be used ({error}): train the classifier again.") from error
    return model, arrays, facts


def _read_trees(path: Path) -> Trees:
    untrusted = sorted(set(skops.io.get_untrusted_types(file=path)) - TRUSTED)
    if untrusted:
        raise StoreError(f"{path} holds types that are not trusted ({', '.join(untrusted)}): it was not written by us.")
    try:
        forest = skops.io.load(path, trusted=sorted(TRUSTED))
    except UntrustedTypesFoundException as error:
        raise StoreError(f"{path} holds types that are not trusted ({error}): it was not written by us.") from error
    if not isinstance(forest, RandomForestClassifier | ExtraTreesClassifier):
        raise StoreError(f"{path} holds a {type(forest).__name__}, not a forest: train the classifier again.")
    _check_trees(path, forest)
    return forest.set_params(n_jobs=settings.n_threads())


def _check_trees(path: Path, forest: Trees) -> None:
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


def _check(directory: Path, arrays: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, Any]) -> None:
    missing = [name for name in (*ARRAYS, "sets") if name not in arrays]
    kinds = _FACTS.items() if isinstance(facts, dict) else [(FACTS, dict)]
    missing += [name for name, kind in kinds if name not in facts or not isinstance(facts[name], kind)]
    if missing:
        raise StoreError(f"The classifier in {directory} lacks {missing[0]!r}: train the classifier again.")
    numbers = [*facts["settings"].values(), *facts["calibration"].values(), *(facts.get("confidence") or {}).values()]
    if not all(isinstance(name, str) for name in facts["label_names"]) or not all(map(_is_number, numbers)):
        raise StoreError(f"The card of the classifier in {directory} is damaged: train the classifier again.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e300


def _check_model(
    directory: Path, model: Forest | Linear, arrays: Mapping[str, npt.NDArray[Any]], facts: Mapping[str, Any]
) -> None:
    """The files belong together."""
    n_sets, n_labels = model.sets.sets.shape
    if isinstance(model, Forest):
        n_genes, n_classes = model.trees.n_features_in_, int(model.trees.n_classes_)
    else:
        n_classes, n_genes = model.weights.shape
    genes = min(int(facts["settings"]["genes"]), len(arrays["gene_index"]))
    named = n_labels == len(arrays["thresholds"]) == len(facts["label_names"])
    if n_genes != genes or n_classes != n_sets or not named:
        raise StoreError(f"The files of the classifier in {directory} do not belong together: train it again.")
