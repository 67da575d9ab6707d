"""The section "Do they help?" of the Synthetic page: start a study, follow it, read its verdict, take it away."""

from typing import Any

import pandas as pd
import streamlit as st

from core import jobs
from core import workflows as wf
from core.access import Role
from core.figures import augmentation as charts
from core.store.datasets import StoredDataset
from core.store.runs import Run
from pages.ui import feedback, people, registry, runs, state, widgets

LEAST = 4  # biosamples of a label
EXPLAINED = """
A forest is trained with n real biosamples of a label and all other labels, once for each way to make up for the rare
label, and judged on **real biosamples that nothing was fitted on**, of other series where the label has more than one.
The label is topped up to the median size of the other labels (at least 30) by the same number of samples in every way.
Each number is a mean over seeds, with a 95 % bootstrap interval; differences are to class weights of the same seed. The
whole protocol: `docs/augmentation.md`.
"""
STEPS_HELP = "Training steps of each GAN. A generator that is trained by itself takes 2,500; a study trains many."
SEEDS_HELP = "Each seed draws other biosamples, holds out other series where it can, and trains other models."
ADDED_HELP = "Samples that this way adds to the real ones of the label"
TITLES = {
    "average_precision": "Average precision",
    "recall_at_95": "Recall at 95 %",
    "difference": "Over class weights",
}


def section(dataset: StoredDataset) -> None:
    """The whole section; its study is the address's ``study``."""
    st.header("Do they help?", anchor="help", divider="gray")
    st.markdown(EXPLAINED)
    with feedback.errors():
        sizes = dataset.labels.groupby("label").size().sort_values() if len(dataset.labels) else pd.Series(dtype=int)
        if not (sizes >= LEAST).any():
            feedback.empty(f"No label has {LEAST} biosamples, so there is nothing to study.", ":material/label_off:")
            return
        _form(dataset, sizes[sizes >= LEAST])
        found = wf.studies(state.workspace(), dataset.name)
        live = [run for run in found if run.status in feedback.LIVE]
        for run in live:
            st.caption(_words(run))
            feedback.job_panel(run)
        _results(dataset, [run for run in found if run not in live], bool(live))


def _form(dataset: StoredDataset, sizes: pd.Series) -> None:
    if not people.welcome(Role.TRAINER, "Starting a study"):
        return
    names = [str(name) for name in sizes.index]
    with st.form("study_form"):
        columns = st.columns([3, 1, 1], vertical_alignment="bottom")
        start = names.index("brain") if "brain" in names else 0
        label = columns[0].selectbox(
            "Label to make rare", names, start, format_func=lambda name: f"{name} ({sizes[name]:,})", key="study_label"
        )
        seeds = columns[1].number_input("Seeds", 1, 1000, 20, 5, help=SEEDS_HELP, key="study_seeds")
        steps = columns[2].number_input("GAN steps", 1, 200_000, 500, 100, help=STEPS_HELP, key="study_steps")
        if st.form_submit_button("Start the study", type="primary", icon=":material/play_arrow:"):
            with feedback.errors():
                parameters = wf.study_parameters(state.workspace(), dataset.name, label=label, seeds=seeds, steps=steps)
                jobs.start(state.workspace(), "augmentation", dataset.name, parameters)
                st.toast(f"Study of {label} started", icon=":material/science:")


def _results(dataset: StoredDataset, ended: list[Run], live: bool) -> None:
    """The study that the address names, else the newest that ended; how to get one where there is none."""
    registry.show_outcome()
    if not ended:
        if not live:
            feedback.empty("No study of this dataset yet: choose a label and start one.", ":material/science:")
        return
    by_id = {run.id: run for run in ended}
    chosen = runs.pick("Study", list(by_id), "study", lambda run_id: _words(by_id[run_id]))
    registry.study_actions(dataset, by_id[chosen], _words(by_id[chosen]))
    view = wf.study(state.workspace(), chosen)
    if not view.complete:
        _unfinished(view)
    if view.summary.empty:
        return
    for text in view.verdicts:
        st.markdown(f"- {text}")
    for note in view.notes:
        st.caption(f":material/info: {note}")
    for column, measure in zip(st.columns(2), charts.MEASURES, strict=True):
        with column:
            st.markdown(f"**{charts.MEASURES[measure]} of {view.recipe.label}**")
            widgets.chart(charts.by_size(view.summary, measure), key=f"study_{measure}", alt=charts.MEASURES[measure])
    _table(view.summary)
    stem = f"{dataset.name}-augmentation-{view.recipe.label.replace(' ', '-')}-{chosen[-4:]}"
    for words, table, name in (("This table", view.summary, ""), ("Every replicate", view.replicates, "-replicates")):
        st.caption(words)
        widgets.downloads(table, stem + name)


def _unfinished(view: wf.StudyView) -> None:
    """What became of a study that has not all its replicates, and a way to go on."""
    done = len(view.replicates.drop_duplicates(["seed", "size"])) if len(view.replicates) else 0
    reason = f" {view.run.error}" if view.run.error else ""
    st.warning(f"This study is {view.run.status} with {done} replicates finished.{reason}", icon=":material/warning:")
    if people.may_manage(view.run) and st.button("Go on", key=f"go-on-{view.run.id}", icon=":material/resume:"):
        jobs.launch(state.workspace(), wf.reopen_study(state.workspace(), view.run.id))
        st.rerun()


def _table(summary: pd.DataFrame) -> None:
    figures = {name: [_with_interval(row, name) for row in summary.to_dict("records")] for name in TITLES}
    size = [f"all ({n:.0f})" if size == "all" else size for size, n in zip(summary["size"], summary["n"], strict=True)]
    way = summary["arm"].map(lambda arm: charts.ARMS[arm][0])
    shown = pd.DataFrame({"size": size, "arm": way, **figures}).join(summary[["added", "seeds", "status"]])
    titles: dict[str, Any] = {name: st.column_config.TextColumn(words, width=185) for name, words in TITLES.items()}
    titles |= {
        "size": st.column_config.TextColumn("n", width=60, help="Real training biosamples of the label"),
        "arm": st.column_config.TextColumn("Way", width=115),
        "added": st.column_config.NumberColumn("Added", format="%.0f", help=ADDED_HELP, width=65),
        "seeds": st.column_config.NumberColumn("Seeds", width=60),
        "status": st.column_config.TextColumn("State", width=110),
    }
    st.dataframe(shown, hide_index=True, column_config=titles, height="content", alt="Augmentation study")


def _with_interval(row: dict[Any, Any], name: str) -> str:
    """A mean with its interval; "" where there is none."""
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    sign = "+" if name == "difference" else ""
    if pd.isna(value):
        return ""
    return f"{value:{sign}.3f}" + ("" if pd.isna(low) else f" ({low:{sign}.3f} to {high:{sign}.3f})")


def _words(run: Run) -> str:
    parameters = run.recipe["parameters"]
    state_words = "" if run.status == "done" else f" · {run.status}"
    asked = f"{parameters['label']}, {parameters['seeds']} seeds, {parameters['steps']:,} GAN steps"
    return f"{wf.day(run.recipe['created'])} · {asked} · {run.id[-4:]}{state_words}"
