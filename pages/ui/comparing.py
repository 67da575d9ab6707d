"""Two carts of the Samples page compared gene by gene: warnings, figures, volcano plot, table, one gene, downloads."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core import workflows as wf
from core.figures import samples as figures
from core.settings import PROJECT
from core.store.datasets import StoredDataset
from core.workflows import CartComparison
from pages.ui import cached, cart, feedback, state, widgets

PAGE = 200  # rows that the browser gets at once
AT_ONCE = 1000  # biosamples that are compared without being asked
BOUND: dict[str, Any] = {"bind": "query-params"}
SIDES = {"All genes": "all", "Higher in A": "A", "Higher in B": "B"}
TITLES = {
    "symbol": "Symbol", "log2_fold_change": "log2 fold change", "p_value": "p", "fdr": "FDR", "auroc": "AUROC",
    "mean_a": "Mean in A", "mean_b": "Mean in B", "median_difference": "Median difference",
    "expressed_a": "Expressed in A", "expressed_b": "Expressed in B", "ensembl_gene_id": "Ensembl id",
    "biotype": "Biotype", "method": "p is",
}  # fmt: skip
FALLING = ("log2_fold_change", "auroc", "mean_a", "mean_b", "median_difference", "expressed_a", "expressed_b")


def section(dataset: StoredDataset) -> None:
    """The whole comparison. Raises ArchscopeError."""
    a, b = (cart.ids(dataset, which) for which in cart.CARTS)
    if not a or not b:
        feedback.empty("Put biosamples into both carts to compare them gene by gene.", ":material/shopping_cart:")
        return
    for text in wf.series_warnings(dataset, a, b):
        st.warning(text, icon=":material/warning:")
    found = _compared(dataset, a, b)
    if found is None:
        return
    genes = found.genes.assign(id=found.genes["position"].map(_ids(dataset.key, dataset.name)))
    fdr, change = _thresholds(found)
    _figures(dataset, found, genes, fdr, change, a, b)
    left, right = st.columns([11, 9], gap="medium")
    with left:
        _table(dataset, genes, fdr, change)
    with right:
        _chart(genes, found, fdr, change)
    with feedback.errors():
        _one_gene(dataset, genes, a, b)
    _downloads(dataset, a, b)


def _compared(dataset: StoredDataset, a: list[str], b: list[str]) -> CartComparison | None:
    """The comparison; a large one that was not asked for waits for a click."""
    pair = (dataset.key, hash((frozenset(a), frozenset(b))))
    n, asked = len(a) + len(b), st.session_state.setdefault("compared", set())
    if n > AT_ONCE and pair not in asked:
        st.markdown(f"{n:,} biosamples take a while: about {feedback.duration(n / 100)} the first time.")
        if not st.button(f"Compare {len(a):,} with {len(b):,}", key="compare_go", type="primary"):
            return None
    asked.add(pair)
    bar = st.empty()

    def progress(stage: str, done: float, total: float, **values: float | str) -> None:
        bar.progress(done / total if total else 1.0, f"{stage[0].upper()}{stage[1:]}")

    try:
        with st.spinner("Comparing the carts", show_time=True):
            return wf.compare_carts(state.workspace(), dataset.name, a, b, progress)
    finally:
        bar.empty()


@st.cache_resource(max_entries=8, show_spinner=False)
def _ids(key: str, name: str) -> pd.Series:
    """What each of the G genes is called in addresses; to be read, not changed."""
    dataset = state.workspace().dataset(name)
    genes = dataset.genes
    ids = genes["ensembl_gene_id"].fillna("").reset_index(drop=True)
    ids = ids.where(ids != "", genes["symbol"].fillna("").reset_index(drop=True)).astype(object)
    ids.iloc[dataset.in_y] = cached.gene_ids(dataset).to_numpy(object)
    return ids


def _thresholds(found: CartComparison) -> tuple[float, float]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Search", key="gene_words", placeholder="Symbol or Ensembl id", width=210, icon=":material/search:",
            live=True, on_change=_first_page, **BOUND,
        )  # fmt: skip
        change = st.number_input(
            "log2 change from", 0.0, None, 1.0, 0.25, key="change", width=150, on_change=_first_page,
            help="Least log2 fold change, up or down, to call a gene different: 1 = twofold", **BOUND,
        )  # fmt: skip
        fdr = st.number_input(
            "FDR at most", 0.0, 1.0, 0.05, 0.01, key="fdr", width=130, format="%.3f", disabled=not found.tested,
            on_change=_first_page, help="Share of false findings among those called (Benjamini and Hochberg)", **BOUND,
        )  # fmt: skip
        st.segmented_control(
            "Show", list(SIDES), default="All genes", required=True, key="side", disabled=not found.tested,
            on_change=_first_page, **BOUND,
        )  # fmt: skip
    return (0.05 if fdr is None else fdr), (change or 0.0)


def _figures(
    dataset: StoredDataset, found: CartComparison, genes: pd.DataFrame, fdr: float, change: float, a: list[str],
    b: list[str],
) -> None:  # fmt: skip
    facts = {"A": wf.cart_facts(dataset, a), "B": wf.cart_facts(dataset, b)}
    tiles: list[tuple[str, ...]] = [
        (f"Cart {which}", f"{one.n:,}", f"Biosamples of cart {which}", f"{one.n_series:,} series")
        for which, one in facts.items()
    ]
    if found.tested:
        sides = figures.higher_in(genes, fdr, change).value_counts()
        why = f"FDR at most {fdr:g} and a log2 fold change of at least {change:g}"
        tiles += [(f"Higher in {which}", f"{sides.get(which, 0):,}", why, "genes") for which in cart.CARTS]
        tiles.append(("Tested", f"{found.tested:,}", "Genes with a count in one of the carts", "genes"))
    widgets.tiles(tiles)
    st.caption(f"{found.method} Fold changes are of Q, the quantile-normalised log2(1 + count).")


def _chosen(genes: pd.DataFrame) -> str:
    gene = state.param("gene")
    return gene if gene in set(genes["id"]) else ""


def _choose(gene: str) -> None:
    state.set_params(gene=gene)


def _from_chart() -> None:
    ids = widgets.chosen_ids(st.session_state["volcano"])
    if ids:
        _choose(ids[-1])


def _chart(genes: pd.DataFrame, found: CartComparison, fdr: float, change: float) -> None:
    chosen = _chosen(genes)
    figure = figures.volcano(genes, fdr, change, chosen) if found.tested else figures.mean_difference(genes, chosen)
    widgets.chart(figure, "volcano", figures.comparison_alt(genes, fdr, change), _from_chart)
    st.caption("Click a gene to see it in both carts below.")


def _first_page() -> None:
    if "genes_page" in st.session_state:
        st.session_state["genes_page"] = 1


def _order() -> tuple[str, bool]:
    by = state.param("genes_by")
    by = by if by in TITLES else "p_value"
    return by, (by in FALLING) != (state.param("genes_turned") == "true")


def _sort_by(column: str) -> None:
    if column in TITLES:
        turned = _order()[0] == column and state.param("genes_turned") != "true"
        state.set_params(genes_by=column, genes_turned="true" if turned else None)
        _first_page()


def passing(genes: pd.DataFrame, search: str, side: str, fdr: float, change: float) -> pd.DataFrame:
    """Genes that a search and a side leave. ``side``: "all", or the cart in which they are higher."""
    kept = genes if side == "all" else genes[figures.higher_in(genes, fdr, change) == side]
    if search.strip():
        text = search.strip().lower().split(".")[0] if search.strip().upper().startswith("ENS") else search.strip()
        words = [kept[name].fillna("").str.contains(text, case=False, regex=False)
                 for name in ("symbol", "ensembl_gene_id")]  # fmt: skip
        kept = kept[np.logical_or(*words)]
    return kept


def _table(dataset: StoredDataset, genes: pd.DataFrame, fdr: float, change: float) -> None:
    """A page of the genes that pass, sorted on the server; all of them to download."""
    by, falling = _order()
    side = SIDES[st.session_state.get("side") or "All genes"]
    kept = passing(genes, st.session_state.get("gene_words") or "", side, fdr, change)
    if by != "p_value" or falling:  # they come by p, then by the size of the change
        kept = kept.sort_values(by, ascending=not falling, kind="stable", na_position="last")
    st.markdown(f"**{len(kept):,}** of {len(genes):,} genes, by {'falling' if falling else 'rising'} {TITLES[by]}")
    asked = str(st.session_state.get("genes_page") or st.query_params.get("genes_page", "1"))
    number = min(int(asked) if asked.isdigit() else 1, max(1, -(-len(kept) // PAGE)))
    page = kept.iloc[max(0, number - 1) * PAGE :][:PAGE].reset_index(drop=True)
    widgets.id_table(
        page, "id", "compared_genes", _chosen(genes), _choose, _sort_by, height=425, alt="Genes compared",
        column_order=_shown(page), column_config=_columns(by, falling),
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(kept) > PAGE:
            st.pagination(-(-len(kept) // PAGE), key="genes_page", bind="query-params", max_visible_pages=5)
        widgets.downloads(kept.drop(columns=["position", "normalised", "id"]), f"{dataset.name}-cart-A-over-B")


def _shown(page: pd.DataFrame) -> list[str]:
    return [name for name in TITLES if page[name].notna().any() and page[name].ne("").any()] or list(TITLES)


def _columns(by: str, falling: bool) -> dict[str, Any]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    title = {name: words + (f" {'▼' if falling else '▲'}" if name == by else "") for name, words in TITLES.items()}
    told = {
        "log2_fold_change": ("Mean of Q in A less that in B", "%+.2f"),
        "p_value": ("Two-sided, Wilcoxon rank-sum test", "%.2e"),
        "fdr": ("p adjusted by Benjamini and Hochberg over the tested genes", "%.2e"),
        "auroc": ("Chance that a biosample of A is above one of B; 0.5 = no difference", "%.3f"),
        "mean_a": ("Mean of Q = quantile-normalised log2(1 + count)", "%.2f"),
        "mean_b": ("Mean of Q = quantile-normalised log2(1 + count)", "%.2f"),
        "median_difference": ("Median of Q in A less that in B", "%+.2f"),
        "expressed_a": ("Share of biosamples with a count", "percent"),
        "expressed_b": ("Share of biosamples with a count", "percent"),
    }
    found: dict[str, Any] = {name: number(title[name], help=why, format=form) for name, (why, form) in told.items()}
    words = {"symbol": 110, "ensembl_gene_id": 150, "biotype": 120, "method": 80}
    return found | {name: text(title[name], width=width, pinned=name == "symbol") for name, width in words.items()}


def _one_gene(dataset: StoredDataset, genes: pd.DataFrame, a: list[str], b: list[str]) -> None:
    """The chosen gene in both carts, and where else it can be looked at."""
    chosen = _chosen(genes)
    if not chosen:
        feedback.empty("Choose a gene of the table or of the plot to see it in both carts.")
        return
    row = genes[genes["id"] == chosen].iloc[0]
    values = _values(dataset.key, dataset.name, chosen, tuple(a), tuple(b))
    st.subheader(f"{chosen} in both carts", anchor=False)
    left, right = st.columns([3, 2], gap="large")
    with left:
        widgets.chart(figures.by_cart(values, chosen), f"by-cart-{chosen}", figures.gene_alt(values, chosen))
    with right:
        p = f"p = {row['p_value']:.2g}, FDR = {row['fdr']:.2g}" if pd.notna(row["p_value"]) else "not tested"
        st.markdown(
            f"**log2 fold change {row['log2_fold_change']:+.2f}** · {p}  \nAUROC {row['auroc']:.3f} · median "
            f"difference {row['median_difference']:+.2f}  \nwith a count: {row['expressed_a']:.0%} "
            f"of A, {row['expressed_b']:.0%} of B  \n`{row['ensembl_gene_id'] or 'no Ensembl id'}`"
        )
        _links(chosen, bool(row["normalised"]))
        widgets.downloads(values, f"{dataset.name}-{chosen}-in-carts")


def _links(gene: str, ranked: bool) -> None:
    if not ranked:
        st.caption("It has no length in this dataset, so it is not in the rankings.")
        return
    pages = {
        "pages/rankings.py": ("Its ranking", ":material/leaderboard:"),
        "pages/gene.py": ("Its own page", ":material/genetics:"),
        "pages/neighbourhood.py": ("Its neighbourhood", ":material/hub:"),
    }
    with st.container(horizontal=True):
        for page, (label, icon) in pages.items():
            if (PROJECT / page).is_file():
                st.page_link(page, label=label, icon=icon, query_params=state.link(gene=gene))


@st.cache_data(max_entries=32, show_spinner="Reading the gene")
def _values(key: str, name: str, gene: str, a: tuple[str, ...], b: tuple[str, ...]) -> pd.DataFrame:
    dataset = state.workspace().dataset(name)
    sides = {"A": a, "B": b}
    return pd.concat([wf.expression_in(dataset, gene, ids).assign(cart=which) for which, ids in sides.items()])


def _downloads(dataset: StoredDataset, a: list[str], b: list[str]) -> None:
    """Which biosamples were compared, for a methods section."""
    rows = [(which, one) for which, ids in (("A", a), ("B", b)) for one in ids]
    members = pd.DataFrame(rows, columns=["cart", "sample_id"])
    found = members.merge(dataset.biosamples, on="sample_id", how="left")
    st.caption("The biosamples of both carts, with what is known of them:")
    widgets.downloads(found, f"{dataset.name}-carts")
