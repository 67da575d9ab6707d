"""The running sum of one gene set over a ranking, as GSEA draws it: its line, and the set's genes as marks."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from core.figures import palette, style
from core.figures.chart import Chart
from core.types import BoolArray, DoubleArray, IndexArray

LEADING, OTHERS = palette.SYNTHETIC, palette.UNLABELLED


def running_sum(
    corners: tuple[DoubleArray, DoubleArray],
    ranks: IndexArray,
    names: Sequence[str],
    values: DoubleArray,
    leading: BoolArray,
    genes: int,
    metric: str,
) -> go.Figure:
    """Above the running sum (``corners``: genes passed, sum) with its largest deviation, below the set's genes.

    ``ranks`` (m, from 1), ``names``, ``values`` of ``metric`` and ``leading`` (member of the leading edge) of the set's
    genes, best first; ``genes`` of the ranking.
    """
    chart = Chart(2, heights=[0.66, 0.34], gaps=(0.0, 0.05), shared_x="columns")
    x, y = corners
    chart.add(
        "scatter", x=x.astype(np.float32), y=y.astype(np.float32), mode="lines", name="running sum", showlegend=False,
        line={"color": palette.ACCENT, "width": 2.5}, row=1, col=1,
        hovertemplate="after %{x:,.0f} genes: %{y:.3f}<extra></extra>",
    )  # fmt: skip
    extreme = int(np.abs(y).argmax())
    chart.add(
        "scatter", x=[x[extreme]], y=[y[extreme]], mode="markers+text", showlegend=False,
        text=[f"\u2002ES {y[extreme]:.2f}\u2002"],
        marker={"color": palette.ACCENT, "size": 9}, hoverinfo="skip",
        textposition="middle right" if x[extreme] < genes / 2 else "middle left",
        textfont={"color": palette.ACCENT}, row=1, col=1,
    )  # fmt: skip
    chart.horizontal(0, line={"color": style.MUTED, "width": 1}, row=1, col=1)
    for some, name, color in ((leading, "leading edge", LEADING), (~leading, "other genes of the set", OTHERS)):
        if some.any():
            _marks(
                chart, ranks[some], [names[int(at)] for at in np.flatnonzero(some)], values[some], name, color, metric
            )
    chart.y_axes(title="Running sum", row=1, col=1)
    chart.y_axes(title="Genes of<br>the set", showticklabels=False, showgrid=False, row=2, col=1, range=[0, 1])
    chart.x_axes(title=f"Rank of {genes:,} genes by {metric}, 1 = best", row=2, col=1)
    style.legend_on_top(chart)
    return style.finish(chart, height=380)


def _marks(
    chart: Chart, ranks: IndexArray, names: list[str], values: DoubleArray, name: str, color: str, metric: str
) -> None:
    """A line for every gene, and a point on it to hover over."""
    apart = np.full(len(ranks), np.nan)
    chart.add(
        "scatter", x=np.column_stack([ranks, ranks, apart]).ravel(), y=np.tile([0.05, 0.75, np.nan], len(ranks)),
        mode="lines",
        line={"color": color, "width": 1.2}, hoverinfo="skip", showlegend=False, row=2, col=1,
    )  # fmt: skip
    chart.add(
        "scatter", x=ranks, y=np.full(len(ranks), 0.75), mode="markers", name=f"{name} ({len(ranks):,})",
        customdata=np.column_stack([np.array(names, dtype=object), values]), marker={"color": color, "size": 6},
        hovertemplate="<b>%{customdata[0]}</b><br>rank %{x:,.0f}, " + metric + " %{customdata[1]:.3g}<extra></extra>",
        row=2, col=1,
    )  # fmt: skip


def running_sum_alt(set_name: str, score: float, n_leading: int, m: int, genes: int, metric: str) -> str:
    """The figure in a sentence."""
    where = "top" if score >= 0 else "end"
    return (
        f"Running sum of {set_name} over {genes:,} genes by {metric}: enrichment score {score:.2f}, reached with "
        f"{n_leading:,} of its {m:,} genes, counted from the {where}"
    )
