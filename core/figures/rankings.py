"""Charts of the Rankings page: all genes at once, and one gene over all biosamples."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import palette, shade, style
from core.figures.chart import Chart
from core.types import BoolArray, GeneView

FEW = 10  # labels with fewer biosamples show every biosample in place of a box
LISTED = palette.COMPARE[3]  # genes of a list that was pasted
MAX_CURVE = 1500  # biosamples that the ordered curve is drawn through, the neighbourhood always among them
CROWD = 20_000  # genes; from here on shades tell how many lie where, and only those that stand alone are points
CELLS = (140, 90)  # of the shades, across and up
ALONE = 250  # genes of a crowd that are drawn as points


def scatter(
    genes: pd.DataFrame,
    passing: BoolArray | None = None,
    chosen: str = "",
    marked: Sequence[str] = (),
) -> go.Figure:
    """Signal against mean cosine of all genes; those that pass the filters in colour, the chosen one ringed.

    ``genes``: id, signal, mean_cosine. A point's customdata is its gene's id, so that a selection names genes, and its
    hover text is made of that and its place: a point costs the browser 8 bytes and its name. Of many genes shades tell
    how many lie where, and those that stand most alone are points (all that pass, where they are few).
    ``passing`` (one a gene, None: all): whether it is in the table. ``marked``: ids of a list that stand out.
    """
    known = (genes["mean_cosine"].notna() & genes["signal"].notna()).to_numpy()
    inside = known if passing is None else known & passing
    points = genes[known]
    chart = Chart()
    view = _view(points["mean_cosine"])
    if len(points) > CROWD:
        _add_crowd(chart, points, inside[known], view)
    else:
        _add_genes(chart, genes[known & ~inside], "filtered out", style.GREY, 0.25)
        _add_genes(chart, genes[inside], "in the table", palette.ACCENT, 0.5)
    listed = points[points["id"].isin(marked)] if len(marked) else points.iloc[:0]
    _add_genes(chart, listed, f"gene list ({len(listed):,})", LISTED, 0.95, 8)
    ring = points[points["id"] == chosen]
    if len(ring):
        chart.add(
            "scatter", x=ring["signal"], y=ring["mean_cosine"], mode="markers+text", text=ring["id"],
            textposition="top center",
            marker={"size": 14, "symbol": "circle-open", "color": palette.SYNTHETIC, "line": {"width": 3}},
            textfont={"color": palette.SYNTHETIC}, hoverinfo="skip", showlegend=False,
        )  # fmt: skip
    chart.x_axes(title="Signal = (1 + p95) / (1 + mean), log scale", type="log", nticks=8)
    chart.y_axes(title="Mean cosine similarity of the neighbourhood", range=view)
    chart.update(dragmode="lasso")
    if len(listed) or inside.sum() < known.sum():
        style.legend_on_top(chart)
    else:
        chart.update(showlegend=False)
    return style.finish(chart, height=470)


def _add_crowd(chart: Chart, points: pd.DataFrame, inside: BoolArray, view: list[float]) -> None:
    """Shades of all genes, in colour of those in the table, and as points those that have a part of the view alone."""
    x, y = np.log10(points["signal"].to_numpy(np.float64)), points["mean_cosine"].to_numpy(np.float64)
    room = 1e-6 + 0.005 * float(np.ptp(x))
    left, right, lowest = float(x.min()) - room, float(x.max()) + room, float(y.min())
    across, up = np.linspace(left, right, CELLS[0] + 1), np.linspace(view[0], view[1], CELLS[1] + 1)
    below = lowest < view[0]  # then a row of cells for those
    edges = (across, np.array([lowest, *up]) if below else up)
    columns, rows = (
        np.clip(np.searchsorted(edge, at) - 1, 0, len(edge) - 2) for edge, at in zip(edges, (x, y), strict=True)
    )
    shape = (len(edges[0]) - 1, len(edges[1]) - 1)
    cells = columns * shape[1] + rows
    company = np.bincount(cells, minlength=shape[0] * shape[1])
    few = int(inside.sum()) <= ALONE
    for some, color in ((~inside, style.GREY), (inside & (not few), palette.ACCENT)):
        counts = np.bincount(cells[some], minlength=len(company)).reshape(shape).astype(np.float64)
        if counts[:, int(below) :].any():
            shade.add(chart, counts[:, int(below) :], (left, right, view[0], view[1]), color)
        if below and counts[:, 0].any():
            shade.add(chart, counts[:, :1], (left, right, lowest, view[0]), color)
    order = np.lexsort((-x, company[cells]))  # the loneliest first, of these the ones of high signal
    alone = order[inside[order]][:ALONE]
    _add_genes(chart, points.iloc[np.sort(alone)], "in the table", palette.ACCENT, 0.8 if few else 0.6, 4)
    chart.add("scatter", x=10 ** np.array([left, right]), y=[lowest, view[1]], mode="markers", hoverinfo="skip",
              marker={"opacity": 0}, showlegend=False)  # fmt: skip


def _add_genes(
    chart: Chart, rows: pd.DataFrame, name: str, color: str, opacity: float, size: int | None = None
) -> None:
    if rows.empty:
        return
    kind = "scattergl" if len(rows) > ALONE else "scatter"
    chart.add(
        kind,
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
    chart = Chart(1, 2, widths=[0.74, 0.26], gaps=(0.03, 0.0), shared_y="rows")
    for rows, name, look in (
        (np.setdiff1d(drawn, inside), "biosamples", {"mode": "lines", "line": {"color": style.GREY, "width": 3}}),
        (inside, f"neighbourhood ({len(inside)})", {"mode": "markers", "marker": {"color": palette.ACCENT, "size": 5}}),
    ):
        part = ordered.iloc[rows]
        chart.add(
            "scatter", x=rows, y=part["value"].to_numpy(np.float32), name=name,
            customdata=part[["sample_id", "labels"]].to_numpy(object),
            hovertemplate="%{customdata[0]}<br>%{customdata[1]}<br>%{y:.3f}<extra></extra>", row=1, col=1, **look,
        )  # fmt: skip
    if len(inside):
        chart.shape(x0=inside.min() - 0.5, x1=inside.max() + 0.5, fillcolor=palette.ACCENT, opacity=0.14,
                    line={"width": 0}, row=1, col=1)  # fmt: skip
    counts, edges = np.histogram(ordered["value"], bins=40)
    chart.add(
        "bar", y=(edges[:-1] + edges[1:]) / 2, x=counts, width=edges[1] - edges[0], orientation="h", showlegend=False,
        marker={"color": style.GREY}, hovertemplate="%{x} biosamples around %{y:.2f}<extra></extra>", row=1, col=2,
    )  # fmt: skip
    chart.horizontal(view.row["p95"], line={"color": palette.SYNTHETIC, "width": 2, "dash": "dash"})
    chart.annotate(
        x=0.01, xref="x domain", y=view.row["p95"], text=f"95th percentile {view.row['p95']:.2f}",
        yanchor="bottom", xanchor="left", font={"color": palette.SYNTHETIC},
    )  # fmt: skip
    chart.x_axes(title="Biosamples, ascending", row=1, col=1)
    chart.x_axes(title="Biosamples", nticks=2, row=1, col=2)
    chart.y_axes(title=f"Expression<br><sup>{view.unit}</sup>", row=1, col=1)
    style.legend_on_top(chart)
    return style.finish(chart, height=min(540, max(380, height)))
