"""Charts of the Neighbourhood page: how alike the biosamples around a gene's 95th percentile are, and who they are."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.cluster import hierarchy

from core.figures import palette, style
from core.types import NeighbourhoodView

TOP = 12  # bars of a composition; the rest is added up
APART = (0.13, 0.035)  # of the width and height between two names in the projection
NAMED = 3  # labels with fewer biosamples get no name in the projection


def heatmap(view: NeighbourhoodView) -> go.Figure:
    """Cosine similarity of every pair of members, ordered by the tree above; the strip gives each member's label."""
    members = view.members
    k = len(members)
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, row_heights=[0.16, 0.04, 0.8], vertical_spacing=0.008)
    if k > 1:
        tree = hierarchy.dendrogram(view.linkage, no_plot=True)
        x = [value for branch in tree["icoord"] for value in [*((np.array(branch) - 5) / 10), None]]
        y = [value for branch in tree["dcoord"] for value in [*branch, None]]
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": style.MUTED, "width": 1}, hoverinfo="skip", row=1, col=1
        )
    names = members["sample_id"].tolist()
    told = [f"{name}: {label or 'no label'}" for name, label in zip(names, members["labels"], strict=True)]
    colors = [palette.label_color(label) for label in members["labels"]]
    figure.add_bar(
        x=list(range(k)), y=[1] * k, width=1, marker={"color": colors, "line": {"width": 0}}, customdata=told,
        hovertemplate="%{customdata}<extra></extra>", row=2, col=1,
    )  # fmt: skip
    off = view.cosine[~np.eye(k, dtype=bool)] if k > 1 else view.cosine.ravel()
    figure.add_heatmap(
        z=view.cosine.astype(np.float32), zmin=float(off.min()), zmax=float(off.max()), colorscale=style.SEQUENTIAL,
        colorbar={"title": {"text": "Cosine", "side": "right"}, "thickness": 12, "len": 0.8, "y": 0.4},
        customdata=[[f"{a} · {b}" for b in names] for a in names],
        hovertemplate="%{customdata}<br>cosine %{z:.3f}<extra></extra>", row=3, col=1,
    )  # fmt: skip
    figure.update_xaxes(showticklabels=False, showgrid=False, range=[-0.5, k - 0.5])
    figure.update_yaxes(showticklabels=False, showgrid=False)
    figure.update_yaxes(autorange="reversed", row=3, col=1)
    figure.update_xaxes(title=f"{k} biosamples, similar ones side by side", row=3, col=1)
    figure.update_layout(showlegend=False)
    return style.finish(figure, height=560)


def composition(table: pd.DataFrame, what: str, k: int) -> go.Figure:
    """Share of each label or series among the k members (bar) against its share in the whole dataset (tick).

    ``table``: name, members, dataset, share, dataset_share, fold.
    """
    shown = table.head(TOP)
    colors = [palette.label_color(name) for name in shown["name"]] if what == "label" else palette.ACCENT
    figure = go.Figure(
        go.Bar(
            y=shown["name"], x=shown["share"], orientation="h", name="in the neighbourhood",
            marker={"color": colors},
            customdata=shown[["members", "dataset", "fold"]].to_numpy(),
            hovertemplate=f"%{{y}}: %{{customdata[0]}} of {k} here, %{{customdata[1]}} in the dataset, "
                          "%{customdata[2]:.2f}-fold<extra></extra>",
        )
    )  # fmt: skip
    figure.add_scatter(
        y=shown["name"], x=shown["dataset_share"], mode="markers", name="in the whole dataset", hoverinfo="skip",
        marker={"symbol": "line-ns-open", "size": 15, "line": {"width": 3}, "color": style.MUTED},
    )  # fmt: skip
    figure.add_scatter(
        y=shown["name"], x=shown[["share", "dataset_share"]].max(axis=1), mode="text", hoverinfo="skip",
        showlegend=False,
        text=[f"   {m} · {fold:.1f}×" for m, fold in zip(shown["members"], shown["fold"], strict=True)],
        textposition="middle right", cliponaxis=False,
    )  # fmt: skip
    most = float(shown[["share", "dataset_share"]].to_numpy().max()) if len(shown) else 1.0
    title = "Share of biosamples"
    if len(table) > TOP:
        title += f" ({TOP} of {len(table)} {'labels' if what == 'label' else 'series'})"
    figure.update_xaxes(title=title, tickformat=".0%", range=[0, most * 1.28])
    figure.update_yaxes(autorange="reversed", type="category")
    style.legend_on_top(figure)
    return style.finish(figure, height=style.bar_height(len(shown)) + 24)


def random_baseline(view: NeighbourhoodView) -> go.Figure:
    """The gene's mean cosine against that of as many biosamples drawn at random."""
    counts, edges = np.histogram(view.random, bins=20)
    figure = go.Figure(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2, y=counts, width=np.diff(edges), marker={"color": style.GREY},
            hovertemplate="%{y} random sets around %{x:.3f}<extra></extra>",
        )
    )  # fmt: skip
    value = view.row["mean_cosine"]
    if value is not None and np.isfinite(value):
        figure.add_vline(x=value, line={"color": palette.SYNTHETIC, "width": 3})
        left = value > float(np.mean(edges))
        figure.add_annotation(
            x=value, y=1, yref="paper", text=f"{view.row['symbol']} {value:.3f}", showarrow=False, yanchor="top",
            xanchor="right" if left else "left", xshift=-6 if left else 6, font={"color": palette.SYNTHETIC},
        )  # fmt: skip
    figure.update_xaxes(title=f"Mean cosine similarity of {len(view.members)} biosamples")
    figure.update_yaxes(title=f"Random sets (of {len(view.random)})", range=[0, 1.18 * max(1, counts.max())])
    return style.finish(figure, height=300)


def projection(points: pd.DataFrame, members: list[str], chosen: str = "") -> go.Figure:
    """All biosamples on two principal components, coloured by label; the neighbourhood outlined, one biosample starred.

    ``points``: sample_id, title, labels, PC1, PC2, share1, share2. A point's customdata begins with its id.
    """
    figure = go.Figure()
    names = points["labels"].str.split("|").str[0]
    for label, rows in points.groupby(names.replace("", "no label"), sort=True):
        color = palette.UNLABELLED if label == "no label" else palette.label_color(str(label))
        _add_points(figure, rows, str(label), {"size": 5, "color": color, "opacity": 0.55})
    inside = points[points["sample_id"].isin(members)]
    ring = {"size": 9, "symbol": "circle-open", "color": style.MUTED, "line": {"width": 1.5}}
    _add_points(figure, inside, f"neighbourhood ({len(inside)})", ring)
    star = points[points["sample_id"] == chosen]
    if len(star):
        look = {"size": 17, "symbol": "star", "color": palette.SYNTHETIC, "line": {"width": 1, "color": "white"}}
        _add_points(figure, star, chosen, look)
    _name_labels(figure, points.assign(label=names))
    shares = [
        f" ({points[column].iloc[0]:.0%} of variance)" if column in points else "" for column in ("share1", "share2")
    ]
    figure.update_xaxes(title=f"Principal component 1{shares[0]}")
    figure.update_yaxes(title=f"Principal component 2{shares[1]}")
    figure.update_layout(showlegend=False)
    return style.finish(figure, height=520)


def _add_points(figure: go.Figure, rows: pd.DataFrame, name: str, marker: dict[str, object]) -> None:
    figure.add_scattergl(
        x=rows["PC1"].to_numpy(np.float32), y=rows["PC2"].to_numpy(np.float32), mode="markers", name=name,
        marker=marker,
        customdata=rows[["sample_id", "labels", "title"]].to_numpy(object),
        hovertemplate="<b>%{customdata[0]}</b><br>%{customdata[1]}<br>%{customdata[2]}<extra></extra>",
    )  # fmt: skip


def _name_labels(figure: go.Figure, points: pd.DataFrame) -> None:
    """Names at the middle of their biosamples, largest label first; one that would cover another is left to hover."""
    named = points[points["label"] != ""]
    sizes = named["label"].value_counts()
    middle = named.groupby("label")[["PC1", "PC2"]].median()
    extent = (points[["PC1", "PC2"]].max() - points[["PC1", "PC2"]].min()).to_numpy() + 1e-9
    placed: list[np.ndarray] = []
    for label in sizes.index[sizes >= NAMED]:
        spot = middle.loc[label].to_numpy() / extent
        if any(abs(spot[0] - other[0]) < APART[0] and abs(spot[1] - other[1]) < APART[1] for other in placed):
            continue
        placed.append(spot)
        figure.add_annotation(
            x=middle.loc[label, "PC1"], y=middle.loc[label, "PC2"], text=f"<b>{label}</b>", showarrow=False,
            font={"size": 12, "color": palette.label_color(str(label))}, yshift=12,
        )  # fmt: skip
