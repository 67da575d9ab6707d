"""A map of all biosamples: coloured by label, by the expression of a gene, by series, or by cart.

A point's customdata is its id. With many labels colour alone tells nobody apart, so labels of one colour differ by
their symbol, the largest are named on the map, and the legend says how many biosamples each has.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import palette, style
from core.figures.chart import Chart

COLORS = {"label": "Label", "value": "Expression", "series": "Series", "cart": "Cart"}
TITLES = {"pca": "Principal component", "tsne": "t-SNE", "umap": "UMAP"}
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star-triangle-up", "hexagon")
APART = (0.13, 0.035)  # of the width and height between two names on the map
NAMED = 3  # labels with fewer biosamples get no name on the map
MOST = 8  # series with a colour of their own
NO_LABEL, REST = "no label", "other series"
DRAWN = 800  # biosamples of a larger dataset that are drawn at first
EACH = 20  # of a label at least
CARTS = {"cart A": palette.REAL, "cart B": palette.SYNTHETIC, "in neither": palette.UNLABELLED}


def projection(
    points: pd.DataFrame,
    members: Sequence[str],
    chosen: str = "",
    by: str = "label",
    method: str = "pca",
    values: pd.Series | None = None,
    carts: Mapping[str, Sequence[str]] | None = None,
    unit: str = "",
    whole: pd.DataFrame | None = None,
) -> go.Figure:
    """All biosamples of a map, the neighbourhood outlined, one biosample starred.

    ``points``: sample_id, series_id, labels, x, y, share1, share2. ``by``: "label", "value" (``values`` by sample_id,
    in ``unit``), "series" (those of the members) or "cart" (``carts``: ids by "A" and "B"). ``whole``: the biosamples
    that these are some of; the legend counts them all.
    """
    chart = Chart()
    if by == "value" and values is not None:
        _by_value(chart, points, values.reindex(points["sample_id"]).to_numpy(np.float32), unit)
    else:
        names, colors = _groups(points if whole is None else whole, members, by, carts or {})
        _by_group(chart, points, names, colors)
    if by == "label":
        _name_labels(chart, points.assign(label=_first_labels(points)))
    _mark(chart, points, members, chosen)
    _axes(chart, points, method)
    legend = {"itemsizing": "constant", "yanchor": "top", "y": 1, "x": 1.01, "tracegroupgap": 0, "font": {"size": 11}}
    chart.update(showlegend=True, legend=legend, clickmode="event+select")
    if by == "value":
        chart.update(showlegend=False)
    return style.finish(chart, height=560)


def some_of(points: pd.DataFrame, keep: Sequence[str], most: int = DRAWN) -> pd.DataFrame:
    """At most ``most`` biosamples of a map, drawn with a seed: ``keep``, some of every label, others by chance."""
    if len(points) <= most:
        return points
    shuffled = points.sample(frac=1.0, random_state=1)
    of_label = shuffled.groupby(_first_labels(shuffled)).cumcount()
    rank = np.where(shuffled["sample_id"].isin(list(keep)), 0, np.where(of_label < EACH, 1, 2))
    return shuffled.iloc[np.argsort(rank, kind="stable")[:most]].sort_index()


def _first_labels(points: pd.DataFrame) -> pd.Series:
    codes, texts = pd.factorize(points["labels"])  # few texts, many biosamples
    return pd.Series(pd.Index(texts.str.split("|").str[0]).take(codes), index=points.index)


def _groups(
    points: pd.DataFrame, members: Sequence[str], by: str, carts: Mapping[str, Sequence[str]]
) -> tuple[pd.Series, dict[str, str]]:
    """What each point is, and the colour of each such group, in the order of the legend (which is drawn last first)."""
    if by == "series":
        inside = points.loc[points["sample_id"].isin(members), "series_id"]
        top = inside[inside != ""].value_counts().index[:MOST]
        colors = dict(zip(map(str, top), palette.series_colors(len(top)), strict=True))
        return points["series_id"].where(points["series_id"].isin(top), REST), colors | {REST: palette.UNLABELLED}
    if by == "cart":
        names = pd.Series("in neither", index=points.index)
        for which in ("B", "A"):
            names[points["sample_id"].isin(list(carts.get(which, ())))] = f"cart {which}"
        return names, CARTS
    names = _first_labels(points).replace("", NO_LABEL)
    labels = sorted(set(names) - {NO_LABEL})
    return names, {label: palette.label_color(label) for label in labels} | {NO_LABEL: palette.UNLABELLED}


def _by_group(chart: Chart, points: pd.DataFrame, names: pd.Series, colors: Mapping[str, str]) -> None:
    seen: dict[str, int] = {}
    groups, sizes = dict(tuple(points.groupby(names.loc[points.index]))), names.value_counts()
    for rank, (name, color) in reversed(list(enumerate(colors.items()))):
        number = seen.setdefault(color, 0)
        seen[color] += 1
        if name not in groups:
            continue
        faint = name in (NO_LABEL, REST, "in neither")
        marker = {
            "size": 4 if faint else 6, "color": color, "opacity": 0.3 if faint else 0.75,
            "symbol": SYMBOLS[number % len(SYMBOLS)],
        }  # fmt: skip
        _add(chart, groups[name], f"{name} ({sizes[name]:,})", marker, len(points) > DRAWN, legendrank=rank)


def _by_value(chart: Chart, points: pd.DataFrame, values: np.ndarray, unit: str) -> None:
    order = np.argsort(values, kind="stable")  # high ones on top
    title = f"Expression<br>{unit.replace(', ', ',<br>')}"
    marker = {
        "size": 6, "color": values[order], "colorscale": style.SEQUENTIAL, "opacity": 0.8,
        "colorbar": {"title": {"text": title, "font": {"size": 11}}, "thickness": 12},
    }  # fmt: skip
    hover = "<b>%{customdata}</b><br>expression %{marker.color:.3f}<extra></extra>"
    _add(chart, points.iloc[order], "all", marker, len(points) > DRAWN, hovertemplate=hover)


def _mark(chart: Chart, points: pd.DataFrame, members: Sequence[str], chosen: str) -> None:
    inside = points[points["sample_id"].isin(members)]
    if len(inside):
        ring = {"size": 10, "symbol": "circle-open", "color": style.MUTED, "line": {"width": 1.5}}
        _add(chart, inside, f"neighbourhood ({len(inside)})", ring, len(points) > DRAWN, legendrank=2000)
    star = points[points["sample_id"] == chosen]
    if len(star):
        look = {"size": 17, "symbol": "star", "color": palette.SYNTHETIC, "line": {"width": 1, "color": "white"}}
        _add(chart, star, chosen, look, len(points) > DRAWN, legendrank=2001)


def _add(chart: Chart, rows: pd.DataFrame, name: str, marker: Mapping[str, Any], crowd: bool, **more: Any) -> None:
    labels = "<b>%{customdata}</b><br>%{fullData.name}<extra></extra>"
    # a few points are drawn sooner without WebGL, which takes an eighth of a second to begin with
    kind = "scattergl" if crowd else "scatter"
    chart.add(
        kind, x=rows["x"].to_numpy(np.float32), y=rows["y"].to_numpy(np.float32), mode="markers", name=name,
        marker=dict(marker), customdata=rows["sample_id"].to_numpy(object), **{"hovertemplate": labels, **more},
    )  # fmt: skip


def _axes(chart: Chart, points: pd.DataFrame, method: str) -> None:
    for number, update in ((1, chart.x_axes), (2, chart.y_axes)):
        share = f" ({points[f'share{number}'].iloc[0]:.0%} of variance)" if f"share{number}" in points else ""
        if method == "pca":
            update(title=f"{TITLES[method]} {number}{share}")
        else:
            update(title=f"{TITLES[method]} {number} (no unit)", showticklabels=False)


def _name_labels(chart: Chart, points: pd.DataFrame) -> None:
    """Names at the middle of their biosamples, largest label first; one that would cover another is left to hover."""
    named = points[points["label"] != ""]
    sizes = named["label"].value_counts()
    middle = named.groupby("label")[["x", "y"]].median()
    extent = (points[["x", "y"]].max() - points[["x", "y"]].min()).to_numpy() + 1e-9
    placed: list[np.ndarray] = []
    for label in sizes.index[sizes >= NAMED]:
        spot = middle.loc[label].to_numpy() / extent
        if any(abs(spot[0] - other[0]) < APART[0] and abs(spot[1] - other[1]) < APART[1] for other in placed):
            continue
        placed.append(spot)
        chart.annotate(
            x=middle.loc[label, "x"], y=middle.loc[label, "y"], text=str(label), yshift=12,
            font={"size": 11, "color": "white"}, bgcolor=palette.label_color(str(label)), opacity=0.9, borderpad=2,
        )  # fmt: skip
