"""One biosample on the Samples page: what is known of it, its labels and their origins, its likes, its high genes."""

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.figures import classify as charts
from core.store.datasets import StoredDataset
from pages.ui import cached, cart, feedback, labelling, samples, state, widgets

WORDS = {
    "title": "Title", "source_name_ch1": "Source name", "characteristics_ch1": "Characteristics",
    "series_id": "Series",
}  # fmt: skip
NUMBERS = ("sample_id", "labels", "alignedreads", "depth", "singlecellprobability", "zero_share")
NEAREST = 20


def section(dataset: StoredDataset) -> None:
    """The whole panel. Raises NotFoundError for a biosample that the dataset does not have."""
    sample = state.param("sample")
    if not sample:
        feedback.empty("Tick a row of the table, or click a point of the map, to see that biosample here.")
        return
    row = dataset.biosamples.iloc[dataset.biosample(sample)]
    _head(dataset, sample)
    widgets.tiles(_figures(row))
    left, right = st.columns([2, 3], gap="large")
    with left:
        _metadata(row)
        _labels(dataset, sample)
    with right:
        _likes(dataset, sample)
    _high_genes(dataset, sample)


def _head(dataset: StoredDataset, sample: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(sample, anchor=False, width="content")
        address = widgets.geo_link(sample)
        if address:
            st.link_button("GEO record", address, icon=":material/open_in_new:", type="tertiary")
        target = state.link(biosample=sample)
        st.page_link("pages/classify.py", label="Classify it", icon=":material/biotech:", query_params=target)
        edit = state.link(label_q=sample)
        st.page_link("pages/data.py", label="Edit its labels", icon=":material/label:", query_params=edit)
        cart.buttons(dataset, [sample], "this", "To cart {cart}")


def _figures(row: pd.Series) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    if pd.notna(row.get("alignedreads")):
        found.append(("Aligned reads", _short(row["alignedreads"]), "As the file has it"))
    found.append(("Counts in all", _short(row["depth"]), "Sum of its counts over all genes of the file"))
    found.append(("Genes at 0", f"{row['zero_share']:.0%}", "Share of genes without a count"))
    if pd.notna(row.get("singlecellprobability")):
        why = "Probability that it is a single cell, as ARCHS4 estimates it"
        found.append(("Single cell", f"{row['singlecellprobability']:.2f}", why))
    return found


def _short(number: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def _metadata(row: pd.Series) -> None:
    st.markdown("**What its authors say**")
    more = [name for name in row.index if name not in (*WORDS, *NUMBERS)]
    lines = [(title, row[name]) for name, title in WORDS.items() if name in row]
    lines += [(str(name).replace("_", " ").capitalize(), row[name]) for name in more]
    table = pd.DataFrame([(title, str(text)) for title, text in lines if pd.notna(text) and str(text).strip()],
                         columns=["field", "value"])  # fmt: skip
    told = wf.told_by(str(row.get("characteristics_ch1", "")))
    if told:
        keyed = pd.DataFrame([(key.capitalize(), value) for key, value in told], columns=["field", "value"])
        table = pd.concat([table[table["field"] != WORDS["characteristics_ch1"]], keyed], ignore_index=True)
    st.dataframe(table, hide_index=True, height=min(330, 40 + 35 * len(table)), alt="Metadata of the biosample")


def _labels(dataset: StoredDataset, sample: str) -> None:
    st.markdown("**Labels and what set them**")
    bits = wf.label_origins(dataset, [sample])
    if bits.empty:
        st.caption("It has no label: classify it to see what it reads like.")
        return
    for bit in bits.to_dict("records"):
        st.markdown(f"- **{bit['label']}**: {labelling.origin(bit) or 'the label table'}")


def _likes(dataset: StoredDataset, sample: str) -> None:
    st.markdown("**Most similar biosamples** by the cosine of whole profiles")
    found = cached.similar_biosamples(dataset, sample, NEAREST)

    def choose(other: str) -> None:
        if other:
            state.set_params(sample=other)

    samples.table(found, f"likes-{sample}", "", on_choose=choose, height=420, alt="Most similar biosamples")
    with st.container(horizontal=True, vertical_alignment="center"):
        widgets.downloads(found, f"{dataset.name}-like-{sample}")
        cart.buttons(dataset, found["sample_id"].tolist(), "likes", "These {n} to cart {cart}")


def _high_genes(dataset: StoredDataset, sample: str) -> None:
    genes, label = _unusually_high(dataset.view_key, dataset.name, sample)
    st.markdown(f"**Unusually high genes**: robust z against all biosamples{f' and against {label}' if label else ''}")
    if genes.empty:
        st.caption("No gene is above what is usual.")
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        alt = f"Robust z-scores of the highest genes of {sample}: {', '.join(genes['symbol'].head(3))} first"
        widgets.chart(charts.high_genes(genes, label), f"high-{sample}", alt)
    with right:
        number = st.column_config.NumberColumn
        columns = {
            "symbol": st.column_config.TextColumn("Gene"),
            "value": number("Q", format="%.2f", help="Quantile-normalised log2(1 + count)"),
            "z_all": number("z, all", format="%.1f"),
            "z_label": number(f"z, {label or 'label'}", format="%.1f"),
            "ensembl_gene_id": st.column_config.TextColumn("Ensembl id"),
        }  # fmt: skip
        order = [name for name in columns if name != "z_label" or genes["z_label"].notna().any()]
        st.dataframe(genes, hide_index=True, height=480, column_order=order, column_config=columns, alt="High genes")
        widgets.downloads(genes, f"{dataset.name}-{sample}-high-genes")


@st.cache_data(max_entries=64, show_spinner="Looking for unusually high genes")
def _unusually_high(key: str, name: str, sample: str) -> tuple[pd.DataFrame, str]:
    return wf.unusually_high(state.workspace().dataset(name), sample)
