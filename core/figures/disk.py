"""Chart of the disk: what a data folder takes, by kind, and what of it can be made again."""

import pandas as pd
import plotly.graph_objects as go

from core.figures import palette, style
from core.figures.chart import Chart

WORDS = {"no": "Cannot be made again", "from its files": "Built again from its files", "yes": "A cache: can be cleaned"}
COLORS = {"no": palette.COMPARE[1], "from its files": palette.COMPARE[0], "yes": palette.COMPARE[2]}
UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def disk_bars(kinds: pd.DataFrame) -> go.Figure:
    """Bytes of each kind, the largest on top, coloured by whether they can be made again.

    ``kinds``: title, bytes, files, rebuildable ("no", "from its files" or "yes"), the largest first; those without any
    bytes are left out.
    """
    shown = kinds[kinds["bytes"] > 0]
    unit, size = unit_of(int(shown["bytes"].max()) if len(shown) else 0)
    chart = Chart()
    for state, words in WORDS.items():
        part = shown[shown["rebuildable"] == state]
        if len(part):
            chart.add(
                "bar", x=part["bytes"] / size, y=part["title"], orientation="h", name=words,
                marker={"color": COLORS[state]}, text=[words_of(int(each)) for each in part["bytes"]],
                textposition="outside", cliponaxis=False, customdata=part["files"],
                hovertemplate="%{y}<br>%{text}, %{customdata:,} files<extra>" + words + "</extra>",
            )  # fmt: skip
    most = float(shown["bytes"].max()) / size if len(shown) else 1.0
    chart.x_axes(title=f"Size ({unit})", range=[0, most * 1.3])
    chart.y_axes(categoryorder="array", categoryarray=shown["title"].tolist()[::-1], title=None)
    chart.update(barmode="overlay")
    style.legend_on_top(chart)
    return style.finish(chart, height=style.bar_height(len(shown)))


def unit_of(size: int) -> tuple[str, float]:
    """The unit that so many bytes are best told in, and its bytes."""
    return next(((name, unit) for name, unit in UNITS if size >= unit), UNITS[-1])


def words_of(size: int) -> str:
    """Bytes in words: "1.4 GB", "312 kB", "95 bytes"."""
    if size < 1000:
        return f"{size} bytes"
    name, unit = unit_of(size)
    return f"{size / unit:,.1f} {name}" if size < 100 * unit else f"{size / unit:,.0f} {name}"
