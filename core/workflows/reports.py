"""Reports: everything that the pages say of one gene, one sample or one run, as a single HTML file to keep or print."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from core.errors import InputError
from core.figures import classify as classify_charts
from core.figures import genes as gene_charts
from core.figures import neighbourhood as neighbourhood_charts
from core.figures import rankings as ranking_charts
from core.figures.report import Block, Drawing, Facts, Section, Table, Text, page
from core.store.datasets import StoredDataset
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import GeneView, NeighbourhoodView, Prediction
from core.workflows import explore, neighbourhoods
from core.workflows.classify import classify_biosamples
from core.workflows.comparing import Baselines, baselines
from core.workflows.provenance import provenance
from core.workflows.run_reports import run_sections
from core.workflows.runs import model_name

MANY_PAIRS = 0.5  # share of pairs from one series from which on a likeness may be technical
SIMULATED = "The data are simulated: nothing here was ever measured."
METHOD = "The whole method with every equation and its source: docs/method.md of ARCHScope."
HEADS = {
    "sample_id": "biosample", "series_id": "series", "ensembl_gene_id": "Ensembl id", "mean_cosine": "mean cosine",
    "value": "expression", "shared_labels": "labels shared", "same_series": "same series",
}  # fmt: skip
COMPOSITION = {
    "name": "name", "members": "members", "dataset": "in the dataset", "share": "share of members",
    "dataset_share": "share of dataset", "fold": "fold", "q": "q",
}  # fmt: skip
GENE_METHOD = (
    Text("signal = (1 + p95) / (1 + mean), with p95 the 95th percentile of Y over biosamples", "equation"),
    Text("mean cosine = (|Σu|² − k) / (k (k − 1)), over the k unit profiles u around the 95th percentile", "equation"),
    Text(METHOD),
)
SAMPLE_METHOD = (
    Text("The sample is put onto the stored quantile target of the training biosamples; the model gives each label a "
         "probability of its own, and abstains where too few genes match or the probability is too low."),
    Text("z = (q − median) / (1.4826 · MAD), for genes above what is usual", "equation"),
    Text("novelty = share of training biosamples that lie closer to their own nearest of another series", "equation"),
    Text(METHOD),
)  # fmt: skip


def gene_report(workspace: Workspace, name: str, symbol: str, address: str = "") -> bytes:
    """One gene: figures, distribution, labels, its neighbourhood with heatmap, composition and random baseline (HTML).

    Raises NotFoundError.
    """
    dataset = workspace.dataset(name)
    view = explore.gene(workspace, name, symbol)
    hood = neighbourhoods.neighbourhood(workspace, name, symbol)
    sections = [
        Section("The gene", [*_simulated(dataset), Facts(_gene_facts(dataset, view.row))]),
        Section("Expression over all biosamples", _expression(view)),
        Section("The biosamples behind its signal", _neighbourhood(hood)),
        Section("Labels and series among them", _compositions(hood)),
        Section("Against random biosamples", _baseline(hood, baselines(workspace, name, symbol))),
        Section("How this was computed", [_values(dataset), *GENE_METHOD]),
    ]
    row = view.row
    title = _word(row["symbol"], str(row["ensembl_gene_id"]))
    subtitle = f"{_word(row['ensembl_gene_id'], 'no Ensembl id')} · dataset {name}, {len(view.biosamples):,} biosamples"
    return page(f"{title}: signal and neighbourhood", subtitle, sections, provenance(dataset, address, gene=title))


def sample_report(workspace: Workspace, name: str, sample: str, run_id: str | None = None, address: str = "") -> bytes:
    """A biosample of the dataset: what the model says of it, and why (HTML). Raises NotFoundError."""
    found = classify_biosamples(workspace, name, [sample], run_id)[0]
    return prediction_report(workspace, name, found, address)


def prediction_report(workspace: Workspace, name: str, found: Prediction, address: str = "") -> bytes:
    """An explained prediction of any sample: the call, its evidence, its nearest biosamples, its unusual genes (HTML).

    Raises InputError where the prediction was not explained, NotFoundError where its model is gone.
    """
    if found.nearest.empty:
        raise InputError(f"The prediction of {found.sample!r} has no evidence with it: explain it first.")
    dataset, run = workspace.dataset(name), workspace.runs.get(found.model)
    label = found.predicted[0] if found.predicted else ""
    sections = [
        Section("What the model says", [*_simulated(dataset), *_call(found, run)]),
        Section("Probability of each label", [_probabilities(found)]),
        Section("Genes that decided", _deciding(found, label, run)),
        Section(
            "Most similar biosamples",
            [Table(found.nearest.rename(columns=HEADS), "By cosine of whole normalised profiles", 20, 4)],
        ),
        Section("Unusually high genes", _high(found, label)),
        Section("How this was computed", SAMPLE_METHOD),
    ]
    subtitle = f"{_called(found)} · model {model_name(run)} · dataset {name}"
    about = provenance(dataset, address, sample=found.sample, model=run.id)
    return page(f"Sample {found.sample}", subtitle, sections, about)


def run_report(workspace: Workspace, run_id: str, address: str = "") -> bytes:
    """A training or a study: its model card and the figures of its evaluation (HTML).

    Raises NotFoundError for an unknown run, InputError for one that is neither or that is not done.
    """
    run = workspace.runs.get(run_id)
    dataset = workspace.dataset(run.dataset)
    title, sections = run_sections(workspace, run)
    about = provenance(dataset, address, run=run.id, trained_on=str(run.recipe.get("fingerprint", "")))
    noted = [Section("Data", _simulated(dataset))] if dataset.simulated else []
    return page(title, f"{run.id} · dataset {run.dataset}", [*noted, *sections], about)


def _simulated(dataset: StoredDataset) -> list[Block]:
    return [Text(SIMULATED, "warning")] * dataset.simulated


def _values(dataset: StoredDataset) -> Text:
    """What Y is in this dataset: its recipe says whether, and by what length, it was divided."""
    measure, unit = dataset.recipe["length_measure"], dataset.recipe["length_unit"]
    lengths = {"spliced": "spliced length", "genomic_span": "genomic span"}
    divided = f", divided by the gene's {lengths[measure]} in {unit}" if measure in lengths else ""
    return Text(f"Y = log2(1 + counts), quantile-normalised across biosamples{divided}.")


def _gene_facts(dataset: StoredDataset, row: Mapping[str, Any]) -> dict[str, str]:
    genes, length = len(dataset.rankings), row["length_bp"]
    return {
        "Signal": _ranked(row["signal"], row["signal_rank"], genes),
        "Mean cosine": _ranked(row["mean_cosine"], row["cosine_rank"], genes),
        "Co-rank": f"{_number(row['co_rank'], 0)} of {genes:,}" if _known(row["co_rank"]) else "undefined",
        "95th percentile": _number(row["p95"]), "Mean": _number(row["mean"]), "Unit": dataset.unit,
        "Tau (specificity)": _number(row["tau"]), "Gini": _number(row["gini"]),
        "Biosamples without counts": _share(row["zero_share"]),
        "Label with the highest mean": _word(row["top_label"], "none"),
        "Length": f"{_number(length, 0)} bp" if _known(length) else "not known",
        "Biotype": _word(row["biotype"], "not recorded"),
    }  # fmt: skip


def _expression(view: GeneView) -> list[Block]:
    row, n = view.row, len(view.biosamples)
    told = f"{row['symbol']} over {n:,} biosamples in ascending order: 95th percentile {_number(row['p95'])}, mean "
    told += f"{_number(row['mean'])}; the biosamples of its neighbourhood are marked."
    over_all = Drawing(ranking_charts.distribution(view), told, f"{row['symbol']}-distribution")
    top = _word(row["top_label"], "")
    if not top:
        return [over_all, Text("The dataset has no labels, so nothing is said of tissues.")]
    labels = f"By label, highest median on top. The highest mean is that of {top}."
    figure = gene_charts.by_label(gene_charts.groups_of(view), view.unit)
    return [over_all, Drawing(figure, labels, f"{row['symbol']}-labels")]


def _neighbourhood(view: NeighbourhoodView) -> list[Block]:
    row, k = view.row, len(view.members)
    facts = {
        "Members (k)": f"{k}", "Mean cosine": _number(row["mean_cosine"]),
        "Members that tie with a non-member": _number(row["n_tied"], 0),
        "Pairs from one series": _share(row["same_series_share"]),
        "Mean cosine over pairs of different series": _number(view.apart),
    }  # fmt: skip
    blocks: list[Block] = [Facts(facts), *(Text(text, "warning") for text in _weak(view))]
    if k:
        told = f"Cosine similarity of every pair of the {k} biosamples, clustered: {view.cosine.min():.2f} to "
        told += f"{view.cosine.max():.2f}. The strip gives each biosample's label."
        blocks.append(Drawing(neighbourhood_charts.heatmap(view), told, f"{row['symbol']}-heatmap"))
    members = view.members.sort_values("mean_cosine", ascending=False)
    wanted = ["sample_id", "labels", "title", "series_id", "value", "mean_cosine"]
    return [*blocks, Table(members[wanted].rename(columns=HEADS), "Members, those most like the others first.", 20)]


def _weak(view: NeighbourhoodView) -> list[str]:
    """Why the neighbourhood may say little, in sentences."""
    row, found = view.row, []
    if not _known(row["mean_cosine"]):
        found.append("The gene is expressed in no biosample: its neighbourhood says nothing.")
    if row["same_series_share"] >= MANY_PAIRS:
        found.append(f"{row['same_series_share']:.0%} of the pairs are of one series: the likeness may be technical.")
    if row["n_tied"] >= max(1, len(view.members)) / 2:
        found.append(f"{int(row['n_tied'])} members tie with biosamples outside: which of them are in is arbitrary.")
    return found


def _compositions(view: NeighbourhoodView) -> list[Block]:
    blocks: list[Block] = []
    for what, table in (("label", view.labels), ("series", view.series)):
        if table.empty:
            blocks.append(Text(f"No member has a {what}."))
            continue
        first = table.iloc[0]
        told = f"Most frequent {what}: {first['name']}, {first['share']:.0%} of the members against "
        told += f"{first['dataset_share']:.0%} of the dataset. The tick is the share in the dataset."
        chart = neighbourhood_charts.composition(table, what, len(view.members))
        blocks.append(Drawing(chart, told, f"{view.row['symbol']}-{what}"))
        shown = table[[name for name in COMPOSITION if name in table]].rename(columns=COMPOSITION)
        blocks.append(Table(shown, f"Each {what} among the members.", 15, forms={"q": ".2g"}))
    return blocks


def _baseline(view: NeighbourhoodView, found: Baselines) -> list[Block]:
    value, random = view.row["mean_cosine"], view.random
    told = f"{len(random)} sets of as many biosamples drawn at random have a mean cosine of {np.mean(random):.3f} ± "
    told += f"{np.std(random):.3f} (sd); this gene's neighbourhood has {_number(value)}"
    spread = float(np.std(random))
    if _known(value) and spread > 0:
        told += f", {(value - np.mean(random)) / spread:+.1f} sd from it"
    symbol = str(view.row["symbol"])
    figure = neighbourhood_charts.baselines(found.sets, found.summary, symbol)
    return [Drawing(figure, f"{told}.", f"{symbol}-baselines"), Table(found.summary, "By the way the sets are drawn.")]


def _called(found: Prediction) -> str:
    label = " + ".join(found.predicted) or "no label"
    return f"reads most like {label}; the model abstains" if found.abstained else f"predicted: {label}"


def _call(found: Prediction, run: Run) -> list[Block]:
    facts = {
        "Reads most like" if found.abstained else "Predicted label": " + ".join(found.predicted) or "none",
        "Probability": f"{found.probability:.3f}", "Novelty (0 at home, 1 unlike all)": f"{found.novelty:.3f}",
        "Genes matched": f"{found.genes_matched:,} of {found.genes_expected:,}", "Model": model_name(run),
    }  # fmt: skip
    abstains = [
        Text(f"The model abstains: take the label as a hint, not as a call. {' '.join(found.reasons)}", "warning")
    ]
    return [Facts(facts), *abstains * found.abstained]


def _probabilities(found: Prediction) -> Drawing:
    best = list(found.probabilities.items())[:3]
    told = "Most probable: " + ", ".join(f"{label} {value:.2f}" for label, value in best) + "."
    return Drawing(classify_charts.probabilities(found.probabilities, found.predicted), told, f"{found.sample}-labels")


def _deciding(found: Prediction, label: str, run: Run) -> list[Block]:
    if found.deciding_genes.empty:
        return [Text("Nothing is recorded of single genes for this prediction.")]
    linear = run.recipe["parameters"].get("family") == "linear"
    unit = "log-odds over the next label" if linear else "share of votes"
    first = found.deciding_genes.iloc[0]["symbol"]
    told = f"What single genes added to, or took from, the votes for {label or 'the label'}; {first} moved it most."
    chart = classify_charts.deciding_genes(found.deciding_genes, label, unit)
    names = HEADS | {"value": "value (log2)", "usual": "usual (log2)"}
    table = found.deciding_genes.rename(columns=names)
    return [Drawing(chart, told, f"{found.sample}-deciding"), Table(table, most=15, forms={"contribution": "+.4f"})]


def _high(found: Prediction, label: str) -> list[Block]:
    if found.high_genes.empty:
        return [Text("No gene stands out.")]
    told = f"Robust z-scores against all biosamples{f' and against {label}' if label else ''}; the highest is that of "
    told += f"{found.high_genes.iloc[0]['symbol']}."
    chart = classify_charts.high_genes(found.high_genes, label)
    table: pd.DataFrame = found.high_genes.rename(
        columns=HEADS | {"value": "value (log2)", "z_all": "z, all", "z_label": f"z, {label or 'label'}"}
    )
    return [Drawing(chart, told, f"{found.sample}-high"), Table(table, most=15, decimals=2)]


def _known(value: Any) -> bool:
    return value is not None and bool(pd.notna(value)) and bool(np.isfinite(value))


def _word(value: Any, otherwise: str) -> str:
    return str(value) if value and pd.notna(value) else otherwise


def _ranked(value: Any, rank: Any, genes: int) -> str:
    return f"{_number(value)} (rank {_number(rank, 0)} of {genes:,})" if _known(value) else "undefined"


def _number(value: Any, decimals: int = 3) -> str:
    return f"{float(value):,.{decimals}f}" if _known(value) else "undefined"


def _share(value: Any) -> str:
    return f"{float(value):.0%}" if _known(value) else "undefined"
