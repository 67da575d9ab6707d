"""Charts of the Synthetic page: synthetic biosamples beside real ones. Synthetic is always the same colour and mark."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import palette, style
from core.figures.chart import Chart

STATISTICS = {
    "mean": ("mean", ",<br>log2 counts"),
    "sd": ("standard deviation", ",<br>log2 counts"),
    "zero": ("share of zeros", ""),
}
BORDER = "#10171f"  # on the cells of a heatmap, which are light at 0 in both themes
REAL_MARK, SYNTHETIC_MARK = "circle", "diamond"


def projection(points: pd.DataFrame, label: str, chosen: str = "", nearest: str = "") -> go.Figure:
    """Real and synthetic biosamples on the first two principal components, all others in grey.

    ``points``: sample_id, kind ("real <label>", "synthetic <label>" or "other"), label, PC1, PC2. A point's customdata
    is its id. ``chosen`` is ringed and joined to ``nearest`` where both are given.
    """
    chart = Chart()
    looks = {
        "other": ("other real biosamples", style.FAINT, REAL_MARK, 4),
        f"real {label}": (f"real {label}", palette.REAL, REAL_MARK, 8),
        f"synthetic {label}": (f"synthetic {label}", palette.SYNTHETIC, SYNTHETIC_MARK, 7),
    }
    for kind, (name, color, symbol, size) in looks.items():
        rows = points[points["kind"] == kind]
        chart.add(
            "scattergl", x=rows["PC1"], y=rows["PC2"], mode="markers", name=f"{name} ({len(rows):,})",
            customdata=rows["sample_id"], text=rows["label"],
            marker={"color": color, "size": size, "symbol": symbol, "opacity": 0.8},
            hovertemplate="%{customdata}<br>%{text}<extra>" + name + "</extra>",
        )  # fmt: skip
    _mark(chart, points, chosen, nearest)
    chart.x_axes(title="Principal component 1")
    chart.y_axes(title="Principal component 2")
    style.legend_on_top(chart)
    return style.finish(chart, height=460)


def gene_agreement(genes: pd.DataFrame, statistic: str, label: str) -> go.Figure:
    """Every gene's statistic among real against synthetic biosamples, with the identity line; log axes but for zeros.

    ``genes``: symbol, real_<statistic> and synthetic_<statistic>; genes with a 0 have no place on log axes and are
    left out (their number is in the title of the axis).
    """
    words, unit = STATISTICS[statistic]
    real, synthetic = genes[f"real_{statistic}"], genes[f"synthetic_{statistic}"]
    logarithmic = statistic != "zero"
    shown = (real > 0) & (synthetic > 0) if logarithmic else real.notna() & synthetic.notna()
    chart = Chart().add(
        "scattergl", x=real[shown], y=synthetic[shown], mode="markers", text=genes.loc[shown, "symbol"],
        showlegend=False,
        marker={"size": 4, "opacity": 0.4, "color": palette.SYNTHETIC},
        hovertemplate="%{text}<br>real %{x:.3g}, synthetic %{y:.3g}<extra></extra>",
    )  # fmt: skip
    ends = _ends(real[shown], synthetic[shown])
    chart.add(
        "scatter", x=ends, y=ends, mode="lines", name="equal", hoverinfo="skip", showlegend=False,
        line={"color": style.MUTED, "dash": "dash", "width": 1}
    )  # fmt: skip
    hidden = int((~shown).sum())
    note = f"<br>{hidden:,} genes at 0 not shown" if hidden else ""
    ticks = {"type": "log", "dtick": 1, "exponentformat": "power"} if logarithmic else {"rangemode": "tozero"}
    chart.x_axes(title=f"Real {label}: {words}{unit}{note}", **ticks)
    chart.y_axes(title=f"Synthetic {label}: {words}{unit}", **ticks)
    return style.finish(chart, height=400)


def distance_histogram(distances: pd.DataFrame, label: str, bins: int = 30) -> go.Figure:
    """Distance to the representative biosample (the medoid of the real ones), real beside synthetic.

    ``distances``: kind (any text that begins with "real" or "synthetic"), distance. Shares, on common bins, so that
    sets of different size compare.
    """
    chart = Chart()
    edges = np.histogram_bin_edges(distances["distance"], bins)
    for kind, rows in distances.groupby("kind", sort=True):
        synthetic = str(kind).startswith("synthetic")
        counts = np.histogram(rows["distance"], edges)[0]
        chart.add(
            "bar", x=(edges[:-1] + edges[1:]) / 2, y=counts / max(1, counts.sum()), width=np.diff(edges),
            name=f"{kind} ({len(rows):,})", opacity=0.6, customdata=counts,
            marker={"color": palette.SYNTHETIC if synthetic else palette.REAL, "line": {"width": 0}},
            hovertemplate="%{customdata} biosamples (%{y:.0%}) at distance %{x:.1f}<extra>" + str(kind) + "</extra>",
        )  # fmt: skip
    chart.update(barmode="overlay", bargap=0)
    chart.x_axes(title=f"Distance to the representative real {label}<br>(Euclidean, log2 normalised counts)")
    chart.y_axes(title="Share of biosamples", tickformat=".0%")
    style.legend_on_top(chart)
    return style.finish(chart, height=340)


def heatmap(values: pd.DataFrame, kinds: Sequence[str], unit: str) -> go.Figure:
    """Top genes (columns) of real biosamples above synthetic ones (rows), with a line between; colours around 0.

    ``values``: z-scores, index = biosample ids, columns = symbols; ``kinds``: "real ..." or "synthetic ...", one a row.
    """
    numbers = values.to_numpy(dtype=float)
    rows = list(range(len(values)))
    top = float(np.quantile(np.abs(numbers), 0.99)) or 1.0  # a few extreme cells shall not pale all others
    names = [f"{row} ({kind})" for row, kind in zip(values.index, kinds, strict=True)]
    chart = Chart().add(
        "heatmap", z=numbers, y=rows, x=list(range(values.shape[1])), colorscale=style.DIVERGING, zmin=-top, zmax=top,
        colorbar={"title": {"text": unit, "side": "right"}, "thickness": 12},
        customdata=np.repeat(np.array(names)[:, None], values.shape[1], axis=1),
        text=np.tile(np.asarray(values.columns, dtype=str), (len(values), 1)),
        hovertemplate="%{text} in %{customdata}: %{z:.2f}<extra></extra>",
    )  # fmt: skip
    border = sum(not kind.startswith("synthetic") for kind in kinds)
    chart.horizontal(border - 0.5, line={"color": BORDER, "width": 3})
    chart.y_axes(autorange="reversed", tickvals=[(border - 1) / 2, (border + len(rows) - 1) / 2],
                 ticktext=["real", "synthetic"], tickangle=-90, showgrid=False)  # fmt: skip
    chart.x_axes(title="Gene", tickvals=list(range(values.shape[1])), ticktext=[str(c) for c in values.columns],
                 tickangle=-60, showgrid=False)  # fmt: skip
    return style.finish(chart, height=max(320, min(700, 180 + 5 * len(rows))))


def _mark(chart: Chart, points: pd.DataFrame, chosen: str, nearest: str) -> None:
    places = points.drop_duplicates("sample_id").set_index("sample_id")
    ids = [sample for sample in (chosen, nearest) if sample in places.index]
    if not chosen or chosen not in ids:
        return
    at = places.loc[ids]
    chart.add(
        "scatter", x=at["PC1"], y=at["PC2"], mode="lines+markers", name="selected and its nearest real",
        hoverinfo="skip",
        line={"color": palette.ACCENT, "width": 2},
        marker={"size": 16, "symbol": "circle-open", "line": {"width": 2}, "color": palette.ACCENT},
    )  # fmt: skip


def _ends(a: pd.Series, b: pd.Series) -> list[float]:
    both = pd.concat([a, b])
    return [float(both.min()), float(both.max())] if len(both) else [0.1, 1.0]
