"""Charts of genes: expression by label, a list in a ranking, several genes side by side, gene sets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import palette, style
from core.figures.chart import Chart
from core.figures.rankings import FEW, LISTED
from core.types import DoubleArray, GeneView

KINDS = ("box", "violin")
MOST_POINTS = 400  # biosamples of a label that a violin is made of
MAX_LINE = 1500  # places of a ranking that its line is drawn through
LOG_FLOOR = 1e-6  # p-values below are drawn there
NO_LABEL = "no label"


@dataclass(frozen=True)
class Group:
    """The biosamples of a label: their expression and their ids."""

    label: str
    values: DoubleArray
    sample_ids: Sequence[str]


def groups_of(view: GeneView) -> list[Group]:
    """The biosamples of a gene by label; one with several labels is in each."""
    values, ids = view.biosamples["value"].to_numpy(), view.biosamples["sample_id"].to_numpy()
    codes, texts = pd.factorize(view.biosamples["labels"])  # few texts, many biosamples
    with_label: dict[str, list[int]] = {}
    for code, text in enumerate(texts):
        for label in str(text or NO_LABEL).split("|"):
            with_label.setdefault(label, []).append(code)
    rows = {label: np.flatnonzero(np.isin(codes, some)) for label, some in sorted(with_label.items())}
    return [Group(label, values[inside], ids[inside].tolist()) for label, inside in rows.items()]


def by_label(groups: Sequence[Group], unit: str, kind: str = "box", log: bool = False) -> go.Figure:
    """Expression by label, highest median on top: boxes (quartiles, 5th and 95th percentile) or violins.

    Labels with fewer than ten biosamples show each of them. ``log``: a logarithmic axis of 1 + value.
    """
    ordered = sorted(groups, key=lambda group: float(np.median(group.values)))
    chart = Chart()
    for group in ordered:
        values = group.values + 1.0 if log else group.values
        if len(values) < FEW:
            _points(chart, group, values)
        elif kind == "violin":
            _violin(chart, group.label, values)
        else:
            _box(chart, group.label, values)
    names = [group.label for group in ordered]
    chart.y_axes(type="category", categoryorder="array", categoryarray=names, tickvals=names,
                 ticktext=[f"{group.label} ({len(group.values):,})" for group in ordered])  # fmt: skip
    title = f"Expression<br><sup>{'1 + ' if log else ''}{unit}{', log axis' if log else ''}</sup>"
    chart.x_axes(title=title, type="log" if log else "linear")
    chart.update(showlegend=False)
    return style.finish(chart, height=style.bar_height(len(names)))


def color_of(label: str) -> str:
    """The colour of a label; grey for the biosamples without one."""
    return palette.UNLABELLED if label == NO_LABEL else palette.label_color(label)


def _points(chart: Chart, group: Group, values: DoubleArray) -> None:
    chart.add(
        "scatter", x=values, y=[group.label] * len(values), mode="markers", customdata=list(group.sample_ids),
        name=group.label,
        marker={"color": color_of(group.label), "size": 8, "opacity": 0.8},
        hovertemplate="%{customdata}: %{x:.3f}<extra></extra>",
    )  # fmt: skip


def _box(chart: Chart, label: str, values: DoubleArray, row: int = 1, col: int = 1) -> None:
    low, q1, median, q3, high = np.percentile(values, [5, 25, 50, 75, 95])
    chart.add(
        "box", y=[label], q1=[q1], median=[median], q3=[q3], lowerfence=[low], upperfence=[high], orientation="h",
        marker={"color": color_of(label)}, line={"width": 1.5}, name=label, width=0.6, row=row, col=col,
    )  # fmt: skip


def _violin(chart: Chart, label: str, values: DoubleArray, row: int = 1, col: int = 1) -> None:
    drawn = values[style.thin(len(values), MOST_POINTS)].astype(np.float32)
    chart.add(
        "violin", x=drawn, y0=label, orientation="h", name=label, line={"color": color_of(label), "width": 1.2},
        points=False,
        box={"visible": True, "width": 0.18}, spanmode="hard", width=0.95, scalemode="width", hoverinfo="name",
        row=row, col=col,
    )  # fmt: skip


def rank_plot(
    values: DoubleArray,
    places: Sequence[float],
    names: Sequence[str],
    curve: tuple[DoubleArray, DoubleArray],
    metric: str,
    log: bool = False,
) -> go.Figure:
    """A metric over the ranks of all genes with a list marked, and below it the running sum of the list.

    ``values`` (g): best first; ``places``: rank (from 1) of each gene of the list, ``names`` what they are called.
    """
    chart = Chart(2, heights=[0.62, 0.38], gaps=(0.0, 0.06), shared_x="columns")
    steps = np.unique(np.linspace(0, len(values) - 1, MAX_LINE).astype(np.intp))
    chart.add(
        "scatter", x=steps + 1, y=values[steps].astype(np.float32), mode="lines", name="all genes",
        line={"color": style.GREY}, hoverinfo="skip", row=1, col=1
    )  # fmt: skip
    at = np.clip(np.round(np.asarray(places)).astype(np.intp) - 1, 0, len(values) - 1)
    chart.add(
        "scatter", x=np.asarray(places), y=values[at], mode="markers", name=f"gene list ({len(at):,})",
        customdata=list(names),
        marker={"color": LISTED, "size": 8, "opacity": 0.85, "symbol": "diamond"},
        hovertemplate="<b>%{customdata}</b><br>rank %{x:,.0f}, %{y:.3f}<extra></extra>", row=1, col=1,
    )  # fmt: skip
    x, y = curve
    chart.add(
        "scatter", x=x.astype(np.float32), y=y.astype(np.float32), mode="lines", name="running sum",
        line={"color": LISTED, "width": 2}, showlegend=False,
        hovertemplate="after %{x:,.0f} genes: %{y:.3f}<extra></extra>", row=2, col=1
    )  # fmt: skip
    chart.horizontal(0, line={"color": style.MUTED, "width": 1}, row=2, col=1)
    chart.y_axes(title=metric, type="log" if log else "linear", row=1, col=1)
    chart.y_axes(title="Running sum", row=2, col=1)
    chart.x_axes(title=f"Rank of {len(values):,} genes, 1 = best", row=2, col=1)
    style.legend_on_top(chart)
    return style.finish(chart, height=430)


def small_multiples(panels: Sequence[tuple[str, Sequence[Group]]], unit: str, kind: str = "box") -> go.Figure:
    """Expression by label of several genes, a panel each; both axes shared, labels by the first gene's median."""
    first = sorted(panels[0][1], key=lambda group: float(np.median(group.values)))
    names = [group.label for group in first]
    rows = 1 if len(panels) <= 4 else 2
    columns = -(-len(panels) // rows)
    chart = Chart(
        rows, columns, gaps=(0.015, min(0.12, 60 / (rows * style.bar_height(len(names))))), shared_x="all",
        shared_y="all", titles=[name for name, _ in panels],
    )  # fmt: skip
    for number, (_, groups) in enumerate(panels):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        for group in groups:
            if kind == "violin" and len(group.values) >= FEW:
                _violin(chart, group.label, group.values, **place)
            else:
                _box(chart, group.label, group.values, **place)
    chart.y_axes(type="category", categoryorder="array", categoryarray=names, tickvals=names)
    for column in range(columns):  # the lowest panel of each column tells its values
        row = (len(panels) - 1 - column) // columns + 1
        title = f"Expression<br><sup>{unit}</sup>" if column == 0 else None
        chart.x_axes(showticklabels=True, title=title, row=row, col=column + 1)
    chart.update(showlegend=False, margin={"t": 34})
    return style.finish(chart, height=rows * max(180, 60 + 19 * len(names)) + 60)


def dot_plot(dots: pd.DataFrame, names: Sequence[str], unit: str) -> go.Figure:
    """Genes by labels: colour is the mean as a share of the gene's highest, area the share of biosamples with a count.

    ``dots``: gene (place in ``names``), label, biosamples, mean, share_expressed. Labels by the first gene's mean.
    """
    first = dots[dots["gene"] == 0].sort_values("mean", ascending=False)
    highest = dots.groupby("gene")["mean"].transform("max")
    relative = (dots["mean"] / highest.where(highest > 0)).fillna(0.0)
    bar = {"title": {"text": "Mean / highest mean of the gene", "side": "right"}, "thickness": 12, "tickformat": ".0%"}
    chart = Chart().add(
        "scatter", x=dots["label"], y=[names[place] for place in dots["gene"]], mode="markers",
        customdata=dots[["share_expressed", "biosamples", "mean"]].to_numpy(),
        marker={"size": 20 * np.sqrt(dots["share_expressed"].to_numpy()), "sizemode": "diameter",
                "color": relative, "cmin": 0, "cmax": 1, "colorscale": style.SEQUENTIAL, "showscale": True,
                "colorbar": bar, "line": {"width": 0.5, "color": style.MUTED}},
        hovertemplate="<b>%{y}</b> in %{x}<br>mean %{customdata[2]:.3f} (" + unit + ")<br>%{customdata[0]:.0%} of "
                      "%{customdata[1]:,} biosamples have a count<extra></extra>",
    )  # fmt: skip
    chart.x_axes(title="Label", type="category", categoryorder="array", categoryarray=first["label"].tolist(),
                 tickangle=-45)  # fmt: skip
    chart.y_axes(title="Gene", type="category", categoryorder="array", categoryarray=list(names)[::-1])
    return style.finish(chart, height=200 + 30 * len(names))


def correlation(r: DoubleArray, names: Sequence[str]) -> go.Figure:
    """Pearson's r of every pair of genes, written into its field."""
    text = np.where(np.isnan(r), "", np.char.mod("%.2f", np.nan_to_num(r)))
    chart = Chart().add(
        "heatmap", z=r, x=list(names), y=list(names), zmin=-1, zmax=1, colorscale=style.DIVERGING, text=text,
        texttemplate="%{text}", colorbar={"title": {"text": "Pearson's r", "side": "right"}, "thickness": 12},
        hovertemplate="%{x} and %{y}: r = %{z:.3f}<extra></extra>",
    )  # fmt: skip
    chart.x_axes(title="Gene", type="category", tickangle=-45)
    chart.y_axes(title="Gene", type="category", autorange="reversed")
    return style.finish(chart, height=170 + 36 * len(names))


def correlated(table: pd.DataFrame) -> go.Figure:
    """r of correlated genes with its 95 % limits, strongest on top; a point's customdata is its gene's id.

    ``table``: id, r, low, high.
    """
    names = table["id"].tolist()[::-1]
    part = table.iloc[::-1]
    chart = Chart().add(
        "scatter", x=part["r"], y=names, mode="markers", customdata=names, marker={"color": palette.ACCENT, "size": 9},
        error_x={"type": "data", "symmetric": False, "array": part["high"] - part["r"],
                 "arrayminus": part["r"] - part["low"], "thickness": 1.2, "width": 0},
        hovertemplate="<b>%{customdata}</b>: r = %{x:.3f}<extra></extra>",
    )  # fmt: skip
    chart.x_axes(title="Pearson's r with its 95 % limits")
    chart.y_axes(title="Gene", type="category")
    return style.finish(chart, height=style.bar_height(len(names)))


def gene_sets(table: pd.DataFrame, most: int = 25) -> go.Figure:
    """The first sets of an enrichment table: AUC against the set, colour the adjusted p, area its ranked genes."""
    part = table.head(most).iloc[::-1]
    strength = -np.log10(np.maximum(part["q_rank"].to_numpy(np.float64), LOG_FLOOR))
    largest = max(1, int(part["ranked"].max()))
    chart = Chart().add(
        "scatter", x=part["auc"], y=part["set"], mode="markers",
        customdata=part[["ranked", "q_rank", "in_top"]].to_numpy(),
        marker={"size": 8 + 16 * np.sqrt(part["ranked"] / largest), "color": strength, "cmin": 0,
                "cmax": -np.log10(LOG_FLOOR), "colorscale": style.SEQUENTIAL, "showscale": True,
                "colorbar": {"title": {"text": "-log10 q of the rank test", "side": "right"}, "thickness": 12}},
        hovertemplate="<b>%{y}</b><br>AUC %{x:.3f}, q %{customdata[1]:.2g}<br>%{customdata[0]:,} ranked genes, "
                      "%{customdata[2]:,} in the top<extra></extra>",
    )  # fmt: skip
    chart.vertical(0.5, line={"color": style.MUTED, "width": 1, "dash": "dash"})
    chart.x_axes(title="AUC: chance that a gene of the set ranks above another (0.5 = no difference)")
    chart.y_axes(title="Gene set", type="category")
    return style.finish(chart, height=style.bar_height(len(part)))
