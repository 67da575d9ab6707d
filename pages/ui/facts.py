"""What a dataset's manifest says, in words: its figures, its warnings, where it came from."""

from typing import Any

import pandas as pd
import streamlit as st

from core.workflows import Overview
from pages.ui import widgets

MEASURES = {
    "spliced": "spliced length of the longest transcript",
    "genomic_span": "genomic span of the longest transcript",
    "none": "not divided by length",
}


def summary(view: Overview) -> None:
    """The dataset in figures."""
    m = view.manifest
    depth = m["depth"]
    counts = f"Counts of a biosample: {depth['min']:,.0f} to {depth['max']:,.0f}."
    widgets.tiles(
        [
            ("Biosamples", f"{m['n_biosamples']:,}", f"{m['n_labelled']:,} of them have a label."),
            ("Genes", f"{m['n_genes']:,}", f"In the rankings; the file has {m['n_file_genes']:,} rows of genes."),
            ("Labels", f"{m['n_labels']:,}", "Tissues and cell lines; a biosample may have several."),
            ("Series", f"{m['n_series']:,}", "Studies; biosamples of one series are not independent."),
            ("Median depth", f"{depth['median'] / 1e6:,.1f} M", counts),
            ("Zeros", f"{m['zero_share']:.0%}", "Share of all entries of the count table that are 0."),
        ]
    )


def warnings(manifest: dict[str, Any]) -> None:
    """What a reader should know before trusting the figures, with the genes by name where it is about genes."""
    if not manifest["warnings"]:
        return
    with st.expander(f"Worth knowing ({len(manifest['warnings'])})", icon=":material/info:"):
        st.markdown("\n".join(f"- {text}" for text in manifest["warnings"]))


def left_out(manifest: dict[str, Any]) -> pd.DataFrame:
    """Genes without a length or more than once in the file, shared symbols, transcripts of no gene, by name."""
    rows = [(name, "no length: kept out of the rankings") for name in manifest["without_length"]]
    treatment = "counts added up" if manifest["recipe"]["repeated_genes"] == "sum" else "kept apart"
    rows += [(name, f"more than once in the file: {treatment}") for name in manifest["repeated_genes"]]
    rows += [(name, "several genes of this symbol: kept apart by Ensembl id") for name in manifest["shared_symbols"]]
    rows += [(name, "transcript of no known gene: left out") for name in manifest.get("transcripts_without_gene", [])]
    return pd.DataFrame(rows, columns=["gene", "why"])


def provenance(view: Overview) -> pd.DataFrame:
    """Files, fingerprint, recipe, version and models: what, value."""
    m, recipe = view.manifest, view.manifest["recipe"]
    length = MEASURES[recipe["length_measure"]]
    if recipe["length_measure"] != "none":
        length += f", in {recipe['length_unit']}"
    rows = [(f"{kind.replace('_', ' ')} file", path) for kind, path in m["sources"].items()]
    rows += [
        ("simulated", "yes: no biosample was ever measured" if m["simulated"] else "no"),
        ("file layout", f"{m['layout']}{', version ' + str(m['archs4_version']) if m['archs4_version'] else ''}"),
        ("counted in the file", _counted(m)),
        ("organism", m["organism"] or "not stated"),
        ("fingerprint of the content", m["fingerprint"]),
        ("gene length", length),
        ("repeated genes", "counts added up" if recipe["repeated_genes"] == "sum" else "kept apart"),
        ("single-cell", f"{m['n_single_cell']:,} biosamples left out (from probability {recipe['max_singlecell']} on)"),
        ("neighbourhood size", str(recipe["neighbourhood_size"])),
        ("recipe version", str(recipe["version"])),
        ("built", f"{m['created'][:19].replace('T', ' ')} UTC in {m['seconds']:.0f} s, ARCHScope {m['version']}"),
        ("classifier in use", view.classifier or "none yet"),
        ("generator in use", view.generator or "none yet"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["what", "value"])


def of_transcripts(manifest: dict[str, Any]) -> str:
    """What became of transcripts that belong to no gene; "" for a file of genes."""
    if manifest.get("level") != "transcript":
        return ""
    lost = len(manifest["transcripts_without_gene"])
    return (
        f" The file counts **{manifest['n_file_transcripts']:,}** transcripts, which were added up to genes; "
        f"**{lost:,}** of them belong to no known gene and were left out."
    )


def _counted(manifest: dict[str, Any]) -> str:
    if manifest.get("level") != "transcript":
        return f"{manifest['n_file_genes']:,} genes"
    return f"{manifest['n_file_transcripts']:,} transcripts, added up to {manifest['n_file_genes']:,} genes"


def columns() -> dict[str, Any]:
    """Widths of the provenance table."""
    return {"what": st.column_config.TextColumn("Item", width=220), "value": st.column_config.TextColumn("Value")}
