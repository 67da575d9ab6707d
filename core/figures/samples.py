"""Charts of the Samples page: two carts of biosamples gene by gene, one gene in both, and the map in words."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import palette, style
from core.figures.chart import Chart

COLORS = {"A": palette.REAL, "B": palette.SYNTHETIC}
SMALLEST_P = 1e-300  # smaller ones have no logarithm in a float
NAMED = 6  # genes named on each side
APART = (0.13, 0.04)  # of the width and height between two names
POINTS = 400  # biosamples of a cart above which its points are thinned


def higher_in(genes: pd.DataFrame, fdr: float, change: float) -> pd.Series:
    """ "A" or "B" for each gene that differs by both thresholds, else "". ``genes``: log2_fold_change, fdr."""
    apart = (genes["fdr"] <= fdr) & (genes["log2_fold_change"].abs() >= change)
    side = pd.Series(np.where(genes["log2_fold_change"] > 0, "A", "B"), index=genes.index, dtype=object)
    return side.where(apart & (genes["log2_fold_change"] != 0), "")


def volcano(genes: pd.DataFrame, fdr: float, change: float, chosen: str = "") -> go.Figure:
    """Significance against fold change of all tested genes. A point's customdata is its gene's id.

    ``genes``: id, log2_fold_change, p_value, fdr. Lines mark the thresholds; the strongest genes are named.
    """
    tested = genes[genes["p_value"].notna()]
    tested = tested.assign(y=-np.log10(tested["p_value"].clip(lower=SMALLEST_P)))
    chart = _scatter(tested, "log2_fold_change", higher_in(tested, fdr, change), chosen)
    passing = tested.loc[tested["fdr"] <= fdr, "y"]
    if len(passing):
        line = {"color": style.MUTED, "width": 1, "dash": "dot"}
        chart.horizontal(float(passing.min()), line=line, text=f"FDR {fdr:g}",
                         font={"color": style.MUTED})  # fmt: skip
    for side in (-change, change) if change else ():
        chart.vertical(side, line={"color": style.MUTED, "width": 1, "dash": "dot"})
    chart.x_axes(title="log2 fold change, A over B (difference of mean Q)")
    chart.y_axes(title="−log10 p (rank-sum test)", rangemode="tozero")
    return style.finish(chart, height=470)


def mean_difference(genes: pd.DataFrame, chosen: str = "") -> go.Figure:
    """Fold change against mean expression, where there is no test. ``genes``: id, log2_fold_change, mean_a, mean_b."""
    points = genes.assign(mean=(genes["mean_a"] + genes["mean_b"]) / 2, y=genes["log2_fold_change"])
    chart = _scatter(points, "mean", pd.Series("", index=points.index), chosen)
    chart.horizontal(0, line={"color": style.MUTED, "width": 1})
    chart.x_axes(title="Mean of Q over both carts (quantile-normalised log2(1 + count))")
    chart.y_axes(title="log2 fold change, A over B")
    return style.finish(chart, height=470)


def by_cart(values: pd.DataFrame, gene: str) -> go.Figure:
    """One gene in both carts: every biosample, the quartiles as a box. ``values``: sample_id, cart, labels, value."""
    chart = Chart()
    for place, (which, color) in enumerate(COLORS.items()):
        rows = values[values["cart"] == which]
        if rows.empty:
            continue
        low, q1, median, q3, high = np.percentile(rows["value"], [0, 25, 50, 75, 100])
        chart.add(
            "box", x=[place], q1=[q1], median=[median], q3=[q3], lowerfence=[low], upperfence=[high], width=0.5,
            line={"color": color, "width": 1.5}, fillcolor="rgba(0,0,0,0)", showlegend=False, hoverinfo="skip",
        )  # fmt: skip
        drawn = rows.iloc[style.thin(len(rows), POINTS)]
        jitter = np.random.default_rng(1).uniform(-0.18, 0.18, len(drawn))
        chart.add(
            "scattergl", x=place + jitter, y=drawn["value"], mode="markers", name=f"cart {which} ({len(rows):,})",
            marker={"color": color, "size": 6, "opacity": 0.6, "symbol": "circle" if which == "A" else "diamond"},
            customdata=drawn[["sample_id", "labels", "series_id"]].to_numpy(object),
            hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{customdata[2]}<br>%{y:.2f}<extra></extra>",
        )  # fmt: skip
    sizes = values["cart"].value_counts()
    chart.x_axes(tickvals=[0, 1], ticktext=[f"Cart {which} ({sizes.get(which, 0):,})" for which in COLORS],
                 range=[-0.6, 1.6], title="Cart")  # fmt: skip
    chart.y_axes(title=f"{gene}: Q = quantile-normalised log2(1 + count)", rangemode="tozero")
    chart.update(showlegend=False)
    return style.finish(chart, height=380)


def comparison_alt(genes: pd.DataFrame, fdr: float, change: float) -> str:
    """The comparison in a sentence: how many genes differ, and the strongest on each side."""
    if genes["p_value"].isna().all():
        top = genes.loc[genes["log2_fold_change"].abs().nlargest(3).index]
        named = ", ".join(f"{row.id} {row.log2_fold_change:+.1f}" for row in top.itertuples())
        return f"{len(genes):,} genes by mean expression and log2 fold change, without a test; largest: {named}"
    side = higher_in(genes, fdr, change)
    told = []
    for which in COLORS:
        there = genes[side == which]
        first = ", ".join(there.sort_values("p_value", kind="stable")["id"].head(3))
        told.append(f"{len(there):,} higher in cart {which}" + (f" ({first} first)" if first else ""))
    tested = int(genes["p_value"].notna().sum())
    return f"Volcano plot of {tested:,} genes: {' and '.join(told)} at FDR {fdr:g} and a log2 fold change of {change:g}"


def gene_alt(values: pd.DataFrame, gene: str) -> str:
    """One gene in both carts in a sentence."""
    medians = values.groupby("cart")["value"].median()
    told = [f"cart {which} has median {medians[which]:.2f}" for which in COLORS if which in medians]
    return f"{gene}: {' and '.join(told)} (log2, quantile-normalised)"


def map_alt(points: pd.DataFrame, carts: Mapping[str, Sequence[str]]) -> str:
    """The map in a sentence: how many biosamples, and where the middle of each cart lies.

    ``points``: sample_id, x, y.
    """
    told = []
    for which, ids in carts.items():
        there = points[points["sample_id"].isin(list(ids))]
        where = f" around ({there['x'].median():.1f}, {there['y'].median():.1f})" if len(there) else ""
        told.append(f"{len(there):,} of cart {which}{where}")
    return f"Map of {len(points):,} biosamples on two principal components: {' and '.join(told)}"


def _scatter(points: pd.DataFrame, x: str, side: pd.Series, chosen: str) -> go.Figure:
    """Points (y) by side, the strongest and the chosen one named."""
    chart = Chart()
    for which, name, color, opacity in (
        ("", "no clear difference" if side.any() else "genes", style.GREY, 0.35),
        ("B", "higher in B", COLORS["B"], 0.65),
        ("A", "higher in A", COLORS["A"], 0.65),
    ):
        rows = points[side == which]
        if len(rows):
            chart.add(
                "scattergl", x=rows[x].to_numpy(np.float32), y=rows["y"].to_numpy(np.float32), mode="markers",
                name=f"{name} ({len(rows):,})", customdata=rows["id"].to_numpy(object),
                marker={"size": 4 if len(rows) > 10_000 else 5, "color": color, "opacity": opacity},
                hovertemplate=f"<b>%{{customdata}}</b><br>{x.replace('_', ' ')} %{{x:.2f}}, "
                              "vertical %{y:.2f}<extra></extra>",
            )  # fmt: skip
    for which, color in COLORS.items():
        for row in _apart(points[side == which], x, points).itertuples():
            chart.annotate(x=getattr(row, x), y=row.y, text=row.id, yshift=9, font={"size": 11, "color": color})
    ring = points[points["id"] == chosen]
    if len(ring):
        chart.add(
            "scattergl", x=ring[x], y=ring["y"], mode="markers", name=chosen, hoverinfo="skip", showlegend=False,
            marker={"size": 15, "symbol": "circle-open", "color": style.MUTED, "line": {"width": 3}},
        )  # fmt: skip
    return style.legend_on_top(chart)


def _apart(side: pd.DataFrame, x: str, points: pd.DataFrame) -> pd.DataFrame:
    """The genes of a side to be named: far in both directions, none so near another that their names would overlap."""
    width, height = float(np.ptp(points[x])) or 1.0, float(np.ptp(points["y"])) or 1.0
    far = side.assign(score=side[x].abs() / width * side["y"] / height).nlargest(20 * NAMED, "score")
    kept: list[int] = []
    for place, (a, b) in enumerate(zip(far[x] / width, far["y"] / height, strict=True)):
        others = far.iloc[kept]
        near = (abs(others[x] / width - a) < APART[0]) & (abs(others["y"] / height - b) < APART[1])
        if not near.any() and len(kept) < NAMED:
            kept.append(place)
    return far.iloc[kept]
