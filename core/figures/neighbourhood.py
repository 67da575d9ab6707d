"""Charts of the Neighbourhood page: how alike the biosamples around a gene's 95th percentile are, and who they are."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.cluster import hierarchy

from core.figures import palette, style
from core.figures.chart import Chart
from core.types import NeighbourhoodView

TOP = 12  # bars of a composition; the rest is added up
SURPRISING = 0.05  # adjusted p-value (q) from which down a bar is starred
SETS = {"random": "drawn at random", "labels": "same labels", "series": "one biosample<br>a series"}


def heatmap(view: NeighbourhoodView) -> go.Figure:
    """Cosine similarity of every pair of members, ordered by the tree above; the strip gives each member's label."""
    members = view.members
    k = len(members)
    chart = Chart(3, heights=[0.16, 0.04, 0.8], gaps=(0.0, 0.008), shared_x="columns")
    if k > 1:
        tree = hierarchy.dendrogram(view.linkage, no_plot=True)
        x = [value for branch in tree["icoord"] for value in [*((np.array(branch) - 5) / 10), None]]
        y = [value for branch in tree["dcoord"] for value in [*branch, None]]
        chart.add(
            "scatter", x=x, y=y, mode="lines", line={"color": style.MUTED, "width": 1}, hoverinfo="skip", row=1, col=1
        )
    names = members["sample_id"].tolist()
    told = [f"{name}: {label or 'no label'}" for name, label in zip(names, members["labels"], strict=True)]
    colors = [palette.label_color(label) for label in members["labels"]]
    chart.add(
        "bar", x=list(range(k)), y=[1] * k, width=1, marker={"color": colors, "line": {"width": 0}}, customdata=told,
        hovertemplate="%{customdata}<extra></extra>", row=2, col=1,
    )  # fmt: skip
    off = view.cosine[~np.eye(k, dtype=bool)] if k > 1 else view.cosine.ravel()
    chart.add(
        "heatmap", z=view.cosine.astype(np.float32), zmin=float(off.min()), zmax=float(off.max()),
        colorscale=style.SEQUENTIAL,
        colorbar={"title": {"text": "Cosine", "side": "right"}, "thickness": 12, "len": 0.8, "y": 0.4},
        hovertemplate="%{y} · %{x}<br>cosine %{z:.3f}<extra></extra>", row=3, col=1,
    )  # fmt: skip
    # names on the axes for hover alone: a text for each of the k x k cells would be most of the page's weight
    named = {"tickmode": "array", "ticks": "", "tickvals": list(range(k)), "ticktext": names}
    chart.x_axes(showticklabels=False, showgrid=False, range=[-0.5, k - 0.5])
    chart.y_axes(showticklabels=False, showgrid=False)
    chart.x_axes(**named, row=3, col=1)
    chart.y_axes(**named, row=3, col=1)
    chart.y_axes(autorange="reversed", row=3, col=1)
    chart.x_axes(title=f"{k} biosamples, similar ones side by side", row=3, col=1)
    chart.update(showlegend=False)
    return style.finish(chart, height=560)


def composition(table: pd.DataFrame, what: str, k: int) -> go.Figure:
    """Share of each label or series among the k members (bar) against its share in the whole dataset (tick).

    ``table``: name, members, dataset, share, dataset_share, fold, expected, q. A star marks q below 0.05.
    """
    shown = table.head(TOP)
    stars = ["  ✱" if q < SURPRISING and fold > 1 else "" for q, fold in zip(shown["q"], shown["fold"], strict=True)]
    colors = [palette.label_color(name) for name in shown["name"]] if what == "label" else palette.ACCENT
    chart = Chart().add(
        "bar", y=shown["name"], x=shown["share"], orientation="h", name="in the neighbourhood",
        marker={"color": colors},
        customdata=shown[["members", "dataset", "fold", "expected", "q"]].to_numpy(),
        hovertemplate=f"%{{y}}: %{{customdata[0]}} of {k} here, %{{customdata[3]:.1f}} expected of the "
                      "%{customdata[1]} in the dataset<br>%{customdata[2]:.2f}-fold, q = %{customdata[4]:.2g}"
                      "<extra></extra>",
    )  # fmt: skip
    chart.add(
        "scatter", y=shown["name"], x=shown["dataset_share"], mode="markers", name="in the whole dataset",
        hoverinfo="skip",
        marker={"symbol": "line-ns-open", "size": 15, "line": {"width": 3}, "color": style.MUTED},
    )  # fmt: skip
    chart.add(
        "scatter", y=shown["name"], x=shown[["share", "dataset_share"]].max(axis=1), mode="text", hoverinfo="skip",
        showlegend=False,
        text=[
            f"   {m} · {fold:.1f}×{star}"
            for m, fold, star in zip(shown["members"], shown["fold"], stars, strict=True)
        ],
        textposition="middle right", cliponaxis=False,
    )  # fmt: skip
    most = float(shown[["share", "dataset_share"]].to_numpy().max()) if len(shown) else 1.0
    title = "Share of biosamples"
    if len(table) > TOP:
        title += f" ({TOP} of {len(table)} {'labels' if what == 'label' else 'series'})"
    chart.x_axes(title=title, tickformat=".0%", range=[0, most * 1.36])
    chart.y_axes(autorange="reversed", type="category")
    style.legend_on_top(chart)
    return style.finish(chart, height=style.bar_height(len(shown)) + 24)


def baselines(sets: pd.DataFrame, summary: pd.DataFrame, symbol: str) -> go.Figure:
    """The gene's mean cosine against that of sets of as many biosamples, a row for each way to draw them.

    ``sets``: baseline, set, mean_cosine, apart. ``summary``: baseline, pairs, mean, value, z, percentile. Every set is
    a point. The diamond is the gene, over the pairs that the row is about: of different series where each set has one
    biosample a series, else all.
    """
    chart = Chart()
    for number, kind in enumerate(kind for kind in SETS if kind in set(sets["baseline"])):
        mine = sets[sets["baseline"] == kind]
        pairs = "different series" if kind == "series" else "all"
        found = summary[(summary["baseline"] == kind) & (summary["pairs"] == pairs)].iloc[0]
        chart.add(
            "box", x=mine["apart" if kind == "series" else "mean_cosine"].to_numpy(np.float64),
            y=[SETS[kind]] * len(mine),
            orientation="h", name=SETS[kind], boxpoints="all", jitter=0.6, pointpos=0, width=0.5, hoveron="points",
            marker={"size": 4, "opacity": 0.6, "color": palette.COMPARE[(0, 2, 3)[number]]},
            fillcolor="rgba(0,0,0,0)", line={"width": 1}, hovertemplate="a set: %{x:.3f}<extra></extra>",
        )  # fmt: skip
        if np.isfinite(found["value"]):
            told = f"{symbol}, pairs of different series" if kind == "series" else f"{symbol}, all pairs"
            chart.add(
                "scatter", x=[found["value"]], y=[SETS[kind]], mode="markers", name=symbol,
                marker={"symbol": "diamond", "size": 13, "color": palette.SYNTHETIC},
                hovertemplate=f"{told}: %{{x:.3f}}<br>z {found['z']:+.1f}, above {found['percentile']:.0f}% of the sets"
                              "<extra></extra>",
            )  # fmt: skip
    chart.x_axes(title="Mean cosine similarity of a set")
    chart.y_axes(autorange="reversed", type="category")
    chart.update(showlegend=False)
    return style.finish(chart, height=300)
