"""Charts of the Rankings page: all genes at once, and one gene over all biosamples."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.figures import palette, style
from core.types import BoolArray, GeneView

FEW = 10  # labels with fewer biosamples show every biosample in place of a box
LISTED = palette.COMPARE[3]  # genes of a list that was pasted
MAX_CURVE = 3000  # biosamples drawn of the ordered curve, the neighbourhood always among them


def scatter(
    genes: pd.DataFrame,
    passing: BoolArray | None = None,
    chosen: str = "",
    marked: Sequence[str] = (),
) -> go.Figure:
    """Signal against mean cosine of all genes; those that pass the filters in colour, the chosen one ringed.

    ``genes``: id, signal, mean_cosine. A point's customdata is its gene's id, so that a selection names genes, and its
    hover text is made of that and its place: a point costs the browser 8 bytes and its name.
    ``passing`` (one a gene, None: all): whether it is in the table. ``marked``: ids of a list that stand out.
    """
    known = (genes["mean_cosine"].notna() & genes["signal"].notna()).to_numpy()
    inside = known if passing is None else known & passing
    points = genes[known]
    figure = go.Figure()
    _add_genes(figure, genes[known & ~inside], "filtered out", style.GREY, 0.25)
    _add_genes(figure, genes[inside], "in the table", palette.ACCENT, 0.5)
    listed = points[points["id"].isin(marked)] if len(marked) else points.iloc[:0]
    _add_genes(figure, listed, f"gene list ({len(listed):,})", LISTED, 0.95, 8)
    ring = points[points["id"] == chosen]
    if len(ring):
        figure.add_scattergl(
            x=ring["signal"], y=ring["mean_cosine"], mode="markers+text", text=ring["id"], textposition="top center",
            marker={"size": 14, "symbol": "circle-open", "color": palette.SYNTHETIC, "line": {"width": 3}},
            textfont={"color": palette.SYNTHETIC}, hoverinfo="skip", showlegend=False,
        )  # fmt: skip
    figure.update_xaxes(title="Signal = (1 + p95) / (1 + mean), log scale", type="log", nticks=8)
    figure.update_yaxes(title="Mean cosine similarity of the neighbourhood", range=_view(points["mean_cosine"]))
    figure.update_layout(dragmode="lasso")
    if len(listed) or inside.sum() < known.sum():
        style.legend_on_top(figure)
    else:
        figure.update_layout(showlegend=False)
    return style.finish(figure, height=470)


def _add_genes(
    figure: go.Figure, rows: pd.DataFrame, name: str, color: str, opacity: float, size: int | None = None
) -> None:
    if rows.empty:
        return
    figure.add_scattergl(
        x=rows["signal"].to_numpy(np.float32),
        y=rows["mean_cosine"].to_numpy(np.float32),
        mode="markers",
        name=name,
        customdata=rows["id"].to_numpy(object),
        marker={"size": size or (4 if len(rows) > 10_000 else 5), "color": color, "opacity": opacity},
        hovertemplate="<b>%{customdata}</b><br>signal %{x:.3f}, mean cosine %{y:.3f}<extra></extra>",
    )


def outside_view(genes: pd.DataFrame) -> int:
    """How many genes lie so far below all others that the scatter does not show them until it is zoomed out."""
    values = genes["mean_cosine"].dropna()
    return int((values < _view(values)[0]).sum()) if len(values) else 0


def _view(values: pd.Series) -> list[float]:
    """Where to look at first: from far below the first quartile (six times the middle half's width) to the top."""
    if values.empty:
        return [0.0, 1.0]
    low, high = values.quantile(0.25), values.quantile(0.75)
    floor = max(float(values.min()), float(low - 6 * (high - low)))
    room = 0.06 * (float(values.max()) - floor) or 0.05
    return [floor - room, float(values.max()) + room]


def distribution(view: GeneView, height: int = 380) -> go.Figure:
    """A gene over the biosamples in ascending order, its 95th percentile and neighbourhood marked, and a histogram."""
    ordered = view.biosamples.sort_values("value", kind="stable", ignore_index=True)
    inside = np.flatnonzero(ordered["neighbour"])
    drawn = np.union1d(style.thin(len(ordered), MAX_CURVE), inside)
    figure = make_subplots(rows=1, cols=2, shared_yaxes=True, column_widths=[0.74, 0.26], horizontal_spacing=0.03)
    for rows, name, color, size in (
        (np.setdiff1d(drawn, inside), "biosamples", style.GREY, 4),
        (inside, f"neighbourhood ({len(inside)})", palette.ACCENT, 5),
    ):
        part = ordered.iloc[rows]
        figure.add_scattergl(
            x=rows, y=part["value"], mode="markers", name=name, marker={"size": size, "color": color},
            customdata=part[["sample_id", "labels"]].to_numpy(object),
            hovertemplate="%{customdata[0]}<br>%{customdata[1]}<br>%{y:.3f}<extra></extra>", row=1, col=1,
        )  # fmt: skip
    if len(inside):
        figure.add_vrect(x0=inside.min() - 0.5, x1=inside.max() + 0.5, fillcolor=palette.ACCENT, opacity=0.14,
                         line_width=0, row=1, col=1)  # fmt: skip
    counts, edges = np.histogram(ordered["value"], bins=40)
    figure.add_bar(
        y=(edges[:-1] + edges[1:]) / 2, x=counts, width=edges[1] - edges[0], orientation="h", showlegend=False,
        marker={"color": style.GREY}, hovertemplate="%{x} biosamples around %{y:.2f}<extra></extra>", row=1, col=2,
    )  # fmt: skip
    figure.add_hline(y=view.row["p95"], line={"color": palette.SYNTHETIC, "width": 2, "dash": "dash"})
    figure.add_annotation(
        x=0.01, xref="x domain", y=view.row["p95"], text=f"95th percentile {view.row['p95']:.2f}", showarrow=False,
        yanchor="bottom", xanchor="left", font={"color": palette.SYNTHETIC},
    )  # fmt: skip
    figure.update_xaxes(title="Biosamples, ascending", row=1, col=1)
    figure.update_xaxes(title="Biosamples", nticks=2, row=1, col=2)
    figure.update_yaxes(title=f"Expression<br><sup>{view.unit}</sup>", row=1, col=1)
    style.legend_on_top(figure)
    return style.finish(figure, height=min(540, max(380, height)))


def by_label(view: GeneView) -> go.Figure:
    """Expression by label, highest median on top: boxes (quartiles, 5th and 95th percentile), points where few.

    A biosample with several labels counts for each of them.
    """
    table = view.biosamples.assign(label=view.biosamples["labels"].replace("", "no label").str.split("|")).explode(
        "label"
    )
    medians = table.groupby("label")["value"].median().sort_values()
    figure = go.Figure()
    for label in medians.index:
        values = table.loc[table["label"] == label, "value"].to_numpy()
        _add_label(figure, str(label), values, table.loc[table["label"] == label, "sample_id"])
    sizes = table["label"].value_counts()
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=medians.index.tolist(),
                        tickvals=medians.index.tolist(),
                        ticktext=[f"{label} ({sizes[label]})" for label in medians.index])  # fmt: skip
    figure.update_xaxes(title=f"Expression<br><sup>{view.unit}</sup>")
    figure.update_layout(showlegend=False)
    return style.finish(figure, height=style.bar_height(len(medians)))


def _add_label(figure: go.Figure, label: str, values: np.ndarray, sample_ids: pd.Series) -> None:
    color = palette.UNLABELLED if label == "no label" else palette.label_color(label)
    if len(values) < FEW:
        figure.add_scatter(
            x=values, y=[label] * len(values), mode="markers", marker={"color": color, "size": 8, "opacity": 0.8},
            customdata=sample_ids, hovertemplate="%{customdata}: %{x:.3f}<extra></extra>",
        )  # fmt: skip
        return
    low, q1, median, q3, high = np.percentile(values, [5, 25, 50, 75, 95])
    figure.add_box(y=[label], q1=[q1], median=[median], q3=[q3], lowerfence=[low], upperfence=[high], orientation="h",
                   marker={"color": color}, line={"width": 1.5}, name=label, width=0.6)  # fmt: skip
