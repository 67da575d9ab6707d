"""Training runs: evaluate honestly, fit on everything that is labelled, leave the model with its card."""

import shutil
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from core import __version__
from core.access import Role
from core.engine import one_blas_thread, open_engine
from core.errors import RecipeError
from core.models.classifier import TissueClassifier
from core.models.generators import GeneratorRecipe
from core.models.generators.study import train_and_evaluate
from core.models.recipe import ClassifierRecipe
from core.store.datasets import StoredDataset
from core.store.files import write_json, write_parquet
from core.store.guard import guarded
from core.store.runs import Run, now
from core.store.workspace import Workspace
from core.types import Progress
from core.workflows.augmenting import augmentation_table
from core.workflows.cards import label_facts
from core.workflows.folds import evaluate_on, labelled_rows, probe_on
from core.workflows.stages import Stages


@guarded(Role.TRAINER, "run", recorded=False)
def train_classifier(
    workspace: Workspace, run: Run, progress: Progress, engine: str = "local", scheduler: str | None = None
) -> dict[str, Any]:
    """Trains a classifier into a run's folder: model/, card.json and tables; the metrics for result.json.

    The scores come from models that never saw their test part; the model that is kept is fitted on every labelled
    biosample, here. With synthetic samples in training, ``augmentation`` compares with the same model without them.
    ``engine`` and ``scheduler`` say where the folds of the evaluation run, which changes no number.
    Raises RecipeError where the dataset has too few labels for it.
    """
    dataset = workspace.dataset(run.dataset)
    recipe = ClassifierRecipe(**run.recipe["parameters"]).validated()
    labelled = labelled_rows(dataset)
    stages = Stages(
        progress,
        {"scoring on held-out biosamples": 4.0, "probing": 1.5, "fitting the final model": 1.0, "saving": 0.2},
    )
    with open_engine(engine, scheduler) as where:
        validation = evaluate_on(where, dataset, recipe, stages.stage("scoring on held-out biosamples"))
    summary: dict[str, Any] = validation.summary | probe_on(dataset, recipe, stages.stage("probing"))
    model = TissueClassifier().fit(
        lambda rows: dataset.counts(labelled[rows]),
        dataset.label_matrix[labelled],
        dataset.label_names,
        recipe,
        stages.stage("fitting the final model"),
        dataset.biosamples["series_id"].iloc[labelled].tolist(),
    )
    if validation.thresholds is not None:
        model.trust(validation.confidence, validation.thresholds)
    summary["selection"] = model.selection
    if recipe.augment:
        summary["augmentation"] |= {"final": list(model.added)}
    stages.stage("saving")
    model.save(run.path / "model")
    ids = dataset.biosamples["sample_id"].to_numpy()[labelled]
    tables = validation.tables(ids) | {"learning_curve": pd.DataFrame(summary["learning_curve"])}
    tables["novelty"] = pd.DataFrame(summary["novelty"]["labels"])
    if recipe.augment:
        tables["augmentation"] = augmentation_table(summary)
    for name, table in tables.items():
        write_parquet(run.path / f"{name}.parquet", table)
    card = _card(dataset, recipe.parameters(), summary, ids.tolist())
    write_json(run.path / "card.json", card | {"engine": engine})
    return summary


@guarded(Role.TRAINER, "run", recorded=False)
def train_generator(workspace: Workspace, run: Run, progress: Progress) -> dict[str, Any]:
    """Trains a generator into a run's folder: model/, card.json, evaluation.json and tables; the metrics.

    Raises RecipeError where the label is unknown or too rare to hold some out.
    """
    dataset = workspace.dataset(run.dataset)
    recipe = GeneratorRecipe(**run.recipe["parameters"]).validated()
    if recipe.label not in dataset.label_names:
        raise RecipeError(
            f"Dataset {dataset.name!r} has no label {recipe.label!r}: choose one of {', '.join(dataset.label_names)}."
        )
    labelled = labelled_rows(dataset)
    stages = Stages(
        progress,
        {"normalising": 0.5, "finding axes": 0.5, "fitting": 0.5, "training": 5.0, "evaluating": 2.0, "saving": 0.2},
    )
    with one_blas_thread():  # the same seed gives the same weights, whatever the number of cores
        generator, study = train_and_evaluate(
            dataset.counts(labelled),
            dataset.label_matrix[labelled],
            dataset.label_names,
            recipe,
            series=dataset.biosamples["series_id"].iloc[labelled].to_numpy(dtype=np.str_),
            progress=stages.by_name,
            checkpoint_dir=run.path / "checkpoint",
        )
    stages.stage("saving")
    generator.save(run.path / "model")
    shutil.rmtree(run.path / "checkpoint", ignore_errors=True)  # only an unfinished training goes on from it
    write_parquet(run.path / "history.parquet", pd.DataFrame(study.pop("history")))
    write_parquet(run.path / "scorecard.parquet", pd.DataFrame(study["scorecard"]))
    write_json(run.path / "evaluation.json", study)
    ids = dataset.biosamples["sample_id"].to_numpy()[labelled]
    held_out = ids[study["split"]["test"]].tolist()
    metrics = {key: study[key] for key in ("label", "model", "verdict", "critic_loss")}
    metrics |= {"scorecard": study["scorecard"], "held_out": len(held_out), "split": study["split"]["rule"]}
    card = _card(dataset, asdict(recipe), metrics, ids[study["split"]["train"]].tolist())
    write_json(run.path / "card.json", card | {"held_out": held_out})
    return metrics


def _card(
    dataset: StoredDataset, recipe: dict[str, Any], metrics: dict[str, Any], biosamples: list[str]
) -> dict[str, Any]:
    import sklearn
    import torch

    versions = {"archscope": __version__, "scikit-learn": sklearn.__version__, "torch": torch.__version__}
    rows = np.flatnonzero(dataset.biosamples["sample_id"].isin(biosamples))
    series = dataset.biosamples["series_id"].iloc[rows].tolist()
    card: dict[str, Any] = {"dataset": dataset.name, "fingerprint": dataset.fingerprint, "build": dataset.recipe}
    card |= {"recipe": recipe, "simulated": dataset.simulated}
    card |= label_facts(dataset.label_matrix[rows], dataset.label_names, series)
    card["labels"] = {"hash": dataset.labels_hash, "edits": dataset.edits_applied}
    return card | {"created": now(), "versions": versions, "metrics": metrics, "training_biosamples": biosamples}
