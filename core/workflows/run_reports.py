"""What a report says of a training or of an augmentation study: its card, then the figures of its evaluation."""

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go

from core.errors import InputError
from core.figures import augmentation as study_charts
from core.figures import evaluation as evaluation_charts
from core.figures import synthetic as synthetic_charts
from core.figures import train as train_charts
from core.figures.report import Block, Drawing, Markdown, Section, Table, Text
from core.store.runs import Run
from core.store.workspace import Workspace
from core.workflows.augmentation import KIND as STUDY
from core.workflows.augmentation import study
from core.workflows.cards import card_markdown, model_card
from core.workflows.findings import abstention_words, gap_words, novelty_words
from core.workflows.runs import RunView, describe, run_view
from core.workflows.synthetic import compare_synthetic
from core.workflows.tested import coverage_curve

DRAWN, SEED = 100, 1  # synthetic samples that a report looks at
NOT_MEASURED = "No profile that is called synthetic was ever measured."


def run_sections(workspace: Workspace, run: Run) -> tuple[str, list[Section]]:
    """Title and sections of a run's report.

    Raises InputError for a run that is neither training nor study, or that has not ended well.
    """
    makers: dict[str, Callable[[Workspace, Run], tuple[str, list[Section]]]] = {
        "classifier": _classifier, "generator": _generator, STUDY: _study,
    }  # fmt: skip
    if run.kind not in makers:
        raise InputError(f"Run {run.id!r} is a {run.kind}: only trainings and studies have a report.")
    if run.status != "done":
        raise InputError(f"Run {run.id!r} is {run.status}: a report needs one that is done.")
    return makers[run.kind](workspace, run)


def _card(workspace: Workspace, run: Run) -> Section:
    text = card_markdown(model_card(workspace, run.id))
    return Section("Model card", [Markdown(text.split("\n\n", 1)[1])])  # its own title is the report's


def _classifier(workspace: Workspace, run: Run) -> tuple[str, list[Section]]:
    view = run_view(workspace, run.id)
    sections = [
        Section("How it generalises", [Text(_plain(gap_words(view.metrics)))]),
        *_labels(view), *_confusions(view), *_calibration(view),
        Section("When it rather says nothing", [Text(_plain(abstention_words(view.metrics))), *_coverage(view)]),
        Section("Tissues that it never saw", [Text(_plain(novelty_words(view.metrics))), *_novelty(view)]),
        *_learning(view), _card(workspace, run),
    ]  # fmt: skip
    return f"Classifier: {describe(run.recipe['parameters'])}", sections


def _labels(view: RunView) -> list[Section]:
    table = view.tables.get("per_label")
    if table is None:
        return []
    of_split = {
        words: rows for split, words in train_charts.SPLITS.items()
        if len(rows := table[table["split"] == split].dropna(subset="f1"))
    }  # fmt: skip
    drawn: list[Block] = []
    if of_split:
        drawn = [Drawing(train_charts.per_label_f1(of_split), "F1 of each label, a dot for each split.", "f1-by-label")]
    columns = ["split", "label", "support", "precision", "recall", "f1", "auprc", "prior"]
    known = [name for name in columns if name in table]
    return [Section("Label by label", [*drawn, Table(table[known], "Scores of each label on both splits.", 120)])]


def _confusions(view: RunView) -> list[Section]:
    table = view.tables.get("confusion")
    if table is None:
        return []
    blocks: list[Block] = []
    for split, words in train_charts.SPLITS.items():
        rows = table[table["split"] == split]
        if rows.empty:
            continue
        right = rows.loc[rows["true"] == rows["predicted"], "count"].sum() / max(1, rows["count"].sum())
        told = f"{words}: first predicted against true label, shares of the row; {right:.0%} lie on the diagonal."
        blocks.append(Drawing(evaluation_charts.confusion(rows), told, f"confusion-{split}"))
    return [Section("Which labels are taken for which", blocks)] if blocks else []


def _calibration(view: RunView) -> list[Section]:
    bins = view.tables.get("calibration")
    if bins is None:
        return []
    blocks: list[Block] = []
    for split, words in train_charts.SPLITS.items():
        rows = bins[bins["split"] == split]
        if len(rows):
            error = ((view.metrics.get("splits") or {}).get(split) or {}).get("first_label_ece")
            told = f"{words}: expected calibration error " + ("not recorded." if error is None else f"{error:.3f}.")
            blocks.append(Drawing(evaluation_charts.calibration(rows, split), told, f"calibration-{split}"))
    return [Section("Are the probabilities right?", blocks)] if blocks else []


def _coverage(view: RunView) -> list[Block]:
    predictions = view.tables.get("predictions")
    if predictions is None or not (predictions["split"] == "series").any():
        return []
    figure = evaluation_charts.coverage(coverage_curve(predictions), view.metrics.get("abstention") or {})
    return [Drawing(figure, "Precision of calls against the share of biosamples that is called.", "coverage")]


def _novelty(view: RunView) -> list[Block]:
    table = view.tables.get("novelty")
    if table is None or table.empty:
        return []
    told = "AUROC of the novelty score for each label that was left out of training."
    return [Drawing(evaluation_charts.unknown_labels(table), told, "novelty")]


def _learning(view: RunView) -> list[Section]:
    table = view.tables.get("learning_curve")
    if table is None or table.empty:
        return []
    told = "Scores against the training biosamples that a label may have at most."
    drawn = Drawing(evaluation_charts.learning_curve(table), told, "learning-curve")
    return [Section("Would more data help?", [drawn])]


def _generator(workspace: Workspace, run: Run) -> tuple[str, list[Section]]:
    view = run_view(workspace, run.id)
    made = compare_synthetic(workspace, run.id, DRAWN, SEED)
    label = made.set.label
    places = f"{DRAWN} synthetic {label} profiles among the real biosamples, on two principal components."
    distances = f"Distance to the representative {label} biosample, real beside synthetic."
    drawn: list[Block] = [
        Drawing(synthetic_charts.projection(made.projection, label), places, "projection"),
        Drawing(synthetic_charts.distance_histogram(made.distances, label), distances, "distances"),
        *(
            Drawing(
                synthetic_charts.gene_agreement(made.genes, name, label), f"Per gene: {words}, real against synthetic.",
                f"genes-{name}",
            )
            for name, (words, _) in synthetic_charts.STATISTICS.items()
        ),
    ]  # fmt: skip
    sections = [
        Section("Synthetic beside real", [Text(NOT_MEASURED, "warning"), *map(Text, made.notes), *drawn]),
        *_scorecard(view), *_curves(view), _card(workspace, run),
    ]  # fmt: skip
    return f"Generator of synthetic {label} profiles: {describe(run.recipe['parameters'])}", sections


def _scorecard(view: RunView) -> list[Section]:
    card = view.tables.get("scorecard")
    if card is None:
        return []
    passed = int((card["verdict"] == "pass").sum())
    names = {"title": "measure", "real_real": "real against real", "pca_gaussian": "PCA-Gaussian", "rule": "target"}
    shown = card[["title", "verdict", "synthetic", "real_real", "pca_gaussian", "rule"]].rename(columns=names)
    return [Section("Scorecard", [Table(shown, f"{passed} of {len(card)} measures reach their target.", 60)])]


def _curves(view: RunView) -> list[Section]:
    history: pd.DataFrame = view.tables.get("history", view.steps)
    if not train_charts.curve_columns(history):
        return [Section("Training", [Text("This model is fitted in one step: it has no curve.")])]
    figure: go.Figure = train_charts.loss_curves({"this run": history})
    return [Section("Training", [Drawing(figure, "Figures of the training over its steps.", "training-curves")])]


def _study(workspace: Workspace, run: Run) -> tuple[str, list[Section]]:
    found = study(workspace, run.id)
    label = found.recipe.label
    drawn = [
        Drawing(study_charts.by_size(found.summary, measure), f"{words} of {label}, mean over seeds.", measure)
        for measure, words in study_charts.MEASURES.items()
    ]
    said = [Text(_plain(text)) for text in [*found.verdicts, *found.notes]]
    return f"Do synthetic {label} samples help?", [
        Section("Verdict", said), Section("Against the number of real biosamples", drawn),
        Section("All figures", [Table(found.summary, "Means over seeds with their 95 % bootstrap intervals.", 100)]),
    ]  # fmt: skip


def _plain(words: str) -> str:
    """A sentence that was made for Markdown, as text."""
    return words.replace("**", "").replace("`", "").replace("\\", "")
