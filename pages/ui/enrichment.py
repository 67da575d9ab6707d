"""Gene sets on the Rankings page: files of sets, and which of them stand near the top of the ranking."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from core import access
from core import workflows as wf
from core.access import Role
from core.errors import ArchscopeError
from core.figures import genes as figures
from core.store.datasets import StoredDataset
from core.store.results import RankingQuery
from pages.ui import cached, feedback, gsea, people, state, widgets
from pages.ui.ranking_columns import COLUMNS

STATISTICS = ("Tests", "GSEA")
HELP = "A .gmt file: a line a set, parted by tabs: name, description, genes (symbols or Ensembl ids)."
NOTE = (
    "Over-representation among the top genes (hypergeometric) and the rank-sum test of Mann and Whitney, each adjusted "
    "by Benjamini and Hochberg over the sets shown; the score and the leading edge are those of the unweighted running "
    "sum (Mootha et al. 2003; Subramanian et al. 2005). No permutations: all take genes for independent, which "
    "co-expressed genes are not, so that small values are too small. For GSEA's permutations choose GSEA."
)


def show(dataset: StoredDataset, query: RankingQuery) -> None:
    """Chooses a file of sets and how to rank; the table of sets, and their chart."""
    left, right = st.columns([2, 5], gap="large")
    with left:
        file = _choose_file()
        by = st.selectbox(
            "Ranked by", list(wf.RANKED_BY), format_func=COLUMNS.__getitem__, key="sets_by", bind="query-params"
        )
        statistic = st.segmented_control(
            "Statistic", STATISTICS, key="sets_statistic", bind="query-params", default=STATISTICS[0], required=True,
            help="The tests answer at once; GSEA permutes genes in a job.",
        )  # fmt: skip
        if statistic == STATISTICS[0]:
            top = st.number_input("Top genes", 1, 20_000, 500, 100, key="sets_top", bind="query-params",
                                  help="For the over-representation test")  # fmt: skip
        else:
            weight, permutations = gsea.settings(by, "sets")
        filtered = st.toggle(
            "Background: as filtered", key="sets_background", bind="query-params",
            help="Otherwise all ranked genes. Protein-coding sets should be judged among protein-coding genes.",
        )  # fmt: skip
    with right, feedback.errors():
        if file:
            among = replace(query, sort="symbol", descending=None, then="") if filtered else None
            if statistic == STATISTICS[0]:
                found = cached.enrich(dataset, file, _stamp(file), by, int(top), among)
                _show_sets(dataset, found, file, by)
            else:
                gsea.show_sets(dataset, wf.GseaRequest(file, (), by, weight, permutations, among))
        else:
            st.caption("Upload a .gmt file, or put one into the folder gene_sets of the data folder.")


def _choose_file() -> str:
    if people.welcome(Role.TRAINER, "Uploading gene sets"):
        st.file_uploader("Gene sets", type=["gmt"], key="sets_upload", on_change=_uploaded, help=HELP)
    done, said = st.session_state.pop("sets_said", (True, ""))
    if said:
        st.info(said, icon=":material/info:") if done else st.error(said, icon=":material/error:")
    files = wf.gene_set_files(state.workspace())
    asked = state.param("sets")
    if not files:
        return ""
    if asked and asked not in files:
        st.warning(f"There is no {asked}.gmt in the data folder any more.", icon=":material/help:")
    st.session_state["sets_pick"] = asked if asked in files else files[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = str(st.selectbox("File", files, key="sets_pick", on_change=_picked, help="Kept in the data folder"))
        if access.may(Role.ADMIN):
            _offer_delete(picked)
    return picked


def _offer_delete(picked: str) -> None:
    with st.popover("Delete", icon=":material/delete:", key=f"sets_ask_{picked}"):
        st.markdown(f"Delete **{picked}.gmt** from the data folder, for everybody who uses it?")
        st.button("Delete this file", key=f"sets_delete_{picked}", icon=":material/delete_forever:", type="primary",
                  on_click=_delete, args=(picked,))  # fmt: skip


def _picked() -> None:
    state.set_params(sets=st.session_state["sets_pick"], set=None)


def _uploaded() -> None:
    upload = st.session_state["sets_upload"]
    if upload is None:
        return
    try:
        name = wf.keep_gene_sets(state.workspace(), upload.name, upload.getvalue())
    except ArchscopeError as error:
        st.session_state["sets_said"] = (False, str(error))
        return
    state.set_params(sets=name, set=None)
    if name != Path(upload.name).stem:
        said = f"The data folder has another {upload.name}: this one is kept as {name}.gmt."
        st.session_state["sets_said"] = (True, said)


def _delete(file: str) -> None:
    try:
        wf.delete_gene_sets(state.workspace(), file)
    except ArchscopeError as error:
        st.session_state["sets_said"] = (False, str(error))
        return
    st.session_state["sets_said"] = (True, f"{file}.gmt is deleted.")
    state.set_params(sets=None, set=None)


def _stamp(file: str) -> int:
    path: Path = state.workspace().root / "gene_sets" / f"{file}.gmt"
    return path.stat().st_mtime_ns if path.is_file() else 0


def _show_sets(dataset: StoredDataset, found: pd.DataFrame, file: str, by: str) -> None:
    good = int((found["q_rank"] <= 0.05).sum())
    st.markdown(f"**{len(found):,}** sets of 5 to 2,000 ranked genes, **{good:,}** with q ≤ 0.05 in the rank test")
    first = found.iloc[0]
    told = f"Gene sets by AUC of {COLUMNS[by]}; first: {first['set']}, AUC {first['auc']:.2f}, q {first['q_rank']:.2g}"
    widgets.chart(figures.gene_sets(found), "gene-sets", told)
    st.dataframe(found, hide_index=True, height=320, column_config=_columns(by), alt="Gene sets near the top")
    st.caption(NOTE)
    widgets.downloads(found, f"{dataset.name}-{file}-{by}")


def _columns(by: str) -> dict[str, object]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "set": text("Gene set", pinned=True, width=230),
        "genes": number("Genes", help="In the file", format="localized", width=75),
        "ranked": number("Ranked", help="Of them in the dataset and in the background", format="localized", width=80),
        "in_top": number("In the top", format="localized", width=85),
        "expected": number("Expected", help="In the top, by chance", format="%.1f", width=85),
        "fold": number("Fold", help="In the top, over expected", format="%.2f", width=70),
        "p_top": number("p, top", help="Hypergeometric, of at least so many in the top", format="%.2g", width=85),
        "q_top": number("q, top", help="Adjusted by Benjamini and Hochberg", format="%.2g", width=85),
        "median_rank": number("Median rank", help=f"By {COLUMNS[by]}, 1 = best", format="localized", width=105),
        "auc": st.column_config.ProgressColumn("AUC", min_value=0, max_value=1, format="%.3f", width=110,
                                               help="Chance that a gene of the set ranks above another"),
        "p_rank": number("p, ranks", help="Mann-Whitney, two-sided", format="%.2g", width=85),
        "q_rank": number("q, ranks", help="Adjusted by Benjamini and Hochberg", format="%.2g", width=85),
        "score": number("Score", help="Largest deviation of the running sum", format="%.3f", width=80),
        "n_leading": number("Leading", help="Genes of the leading edge", format="localized", width=85),
        "leading_edge": text("Leading edge", width=320),
        "description": text("Description", width=220),
    }  # fmt: skip
