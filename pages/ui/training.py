"""The upper part of the Train page: forms, live jobs, the history of runs and the choice among them."""

from typing import Any

import pandas as pd
import streamlit as st

from core import jobs
from core import workflows as wf
from core.access import Role
from core.figures import train as charts
from core.store.datasets import StoredDataset
from pages.ui import augmenting, feedback, people, runs, state, widgets

MODELS = {
    "wgan-gp": "Wasserstein GAN (default)",
    "flow-matching": "Flow matching",
    "published": "Plain GAN of the published work",
    "pca-gaussian": "Gaussian in PCA space (baseline)",
    "smote": "SMOTE (baseline)",
    "bootstrap": "Resampling with noise (baseline)",
}
FAMILIES = {
    "forest": ("Random forest", "The default, as in the published work"),
    "extra-trees": ("Extra-trees", "Random cuts: faster"),
    "linear": ("Linear", "Multinomial logistic regression"),
}
WEIGHTS = {None: "automatic", True: "every label the same", False: "every biosample the same"}
FIELD, NARROW = 155, 115  # pixels
TREES_HELP = (
    "More are steadier and slower. Empty: 300, or 600 where that gains more than noise on series held out inside the "
    "training part. A linear model has none."
)
GENES_HELP = (
    "How many genes the model reads: those that mark the labels best, found on the training part alone. Empty: chosen "
    "automatically, from 2,000 and 500, on series held out inside the training part."
)
LEAF_HELP = "Biosamples in a leaf of a tree at least. Empty: chosen automatically inside the training part."
WEIGHTS_HELP = "Whether rare labels count as much as frequent ones in training. Automatic: chosen inside it."
LEAST_HELP = "Labels with fewer are dropped. Automatic: 0.5% of the labelled biosamples, at least 5, at most 500."
STEPS_HELP = (
    "0 takes the model's own default: 2,500 for the Wasserstein GAN, at most 4,000 for flow matching, which ends where "
    "samples lie as near to training biosamples as these to each other. Baselines have no steps."
)
DISTANCE_HELP = (
    "Of the samples of the Wasserstein GAN and of flow matching from a training biosample, in units of what lies "
    "between that one and its own nearest: samples that are nearer are drawn again. With 0.8 it is harder to tell who "
    "was trained on, but samples resemble unseen biosamples a little less. 0: any distance."
)
SPLIT_HELP = "Both splits are always computed; this one counts as the run's score."
HISTORY = {
    "active": st.column_config.CheckboxColumn("In use", width=60),
    "run": st.column_config.TextColumn("Run", width=60),
    "started": st.column_config.TextColumn("Started", width=170),
    "status": st.column_config.TextColumn("Status", width=80),
    "parameters": st.column_config.TextColumn("Parameters", width=230),
    "id": st.column_config.TextColumn("Full id"),
}


def classifier_form(dataset: StoredDataset) -> None:
    """Parameters of a classifier, and its start; what is left empty is chosen inside the training part."""
    usual = wf.default_parameters("classifier")
    with st.container(border=True):
        st.markdown("**Train a classifier**")
        if not people.welcome(Role.TRAINER, "Training"):
            return
        family = st.radio(
            "Kind of model", list(FAMILIES), format_func=lambda name: FAMILIES[name][0], key="classifier_family",
            captions=[words for _, words in FAMILIES.values()], horizontal=True,
        )  # fmt: skip
        extra = augmenting.choose(dataset)
        with st.form("classifier_form", border=False):
            with st.container(horizontal=True):
                chosen = _model_parameters(usual, grown=family != "linear")
                chosen["min_label_count"] = st.number_input(
                    "Min. label count", 1, 1_000_000, usual["min_label_count"], placeholder="automatic",
                    help=LEAST_HELP, width=FIELD,
                )  # fmt: skip
                chosen["seed"] = st.number_input("Seed", 0, 2**31 - 1, usual["seed"], width=NARROW)
            chosen["split"] = st.radio(
                "Headline score", list(charts.SPLITS), format_func=charts.SPLITS.get, horizontal=True, help=SPLIT_HELP
            )
            if st.form_submit_button("Start training", type="primary", icon=":material/play_arrow:"):
                chosen |= extra | ({} if family == usual["family"] else {"family": family})
                with feedback.errors():
                    augmenting.check(dataset, chosen)
                    _start(dataset, "classifier", chosen)


def _model_parameters(usual: dict[str, Any], grown: bool) -> dict[str, Any]:
    """Trees, genes, leaf and weights; what only trees have is disabled for another model, and left out."""
    trees = st.number_input("Trees", 1, 5000, usual["trees"], 50, placeholder="automatic", disabled=not grown,
                            width=FIELD, help=TREES_HELP)  # fmt: skip
    genes = st.number_input(
        "Marker genes", 1, 100_000, usual["genes"], 100, placeholder="automatic", help=GENES_HELP, width=FIELD
    )
    leaf = st.number_input(
        "Min. leaf size", 1, 1000, usual["min_leaf"], placeholder="automatic", disabled=not grown, help=LEAF_HELP,
        width=FIELD,
    )  # fmt: skip
    balanced = st.selectbox("Weights", [*WEIGHTS], format_func=lambda each: WEIGHTS[each], help=WEIGHTS_HELP, width=180)
    return {"genes": genes, "balanced": balanced} | ({"trees": trees, "min_leaf": leaf} if grown else {})


def generator_form(dataset: StoredDataset) -> None:
    """Parameters of a generator, and its start; rare labels come first."""
    sizes = dataset.labels.groupby("label").size().sort_values()
    usual = wf.default_parameters("generator")
    if not people.welcome(Role.TRAINER, "Training a generator of synthetic samples"):
        return
    with st.form("generator_form"):
        st.markdown("**Train a generator of synthetic samples**")
        names = list(sizes.index)
        start = names.index(usual["label"]) if usual["label"] in names else 0
        columns = st.columns([4, 6, 2, 2, 2])
        label = columns[0].selectbox("Label", names, start, format_func=lambda name: f"{name} ({sizes[name]:,})")
        model = columns[1].selectbox("Model", list(MODELS), format_func=MODELS.get)
        steps = columns[2].number_input("Steps", 0, 200_000, usual["steps"], 100, help=STEPS_HELP)
        seed = columns[3].number_input("Seed", 0, 2**31 - 1, usual["seed"])
        away = columns[4].number_input("Distance", 0.0, 2.0, usual["least_distance"], 0.1, help=DISTANCE_HELP)
        if st.form_submit_button("Start training", type="primary", icon=":material/play_arrow:"):
            chosen = {"label": label, "model": model, "steps": steps, "seed": seed}
            asked = {"least_distance": away} if away and model in wf.CONDITIONAL_MODELS else {}
            _start(dataset, "generator", chosen | asked)


FORMS = {"classifier": classifier_form, "generator": generator_form}


def _start(dataset: StoredDataset, kind: str, parameters: dict[str, Any]) -> None:
    with feedback.errors():
        jobs.start(state.workspace(), kind, dataset.name, parameters)
        st.toast(f"Training started: {wf.describe(parameters)}", icon=":material/model_training:")


def show_live(dataset: StoredDataset, kind: str) -> None:
    """Every training of this kind that runs or waits: its panel with a way to cancel, and its curve as it grows."""
    for run in jobs.active_runs(state.workspace()):
        if run.dataset == dataset.name and run.kind == kind:
            st.caption(runs.name_of(run))
            feedback.job_panel(run)
            feedback.part(_live_chart, 2.0)(run.id, kind)


def _live_chart(run_id: str, kind: str) -> None:
    steps = wf.run_view(state.workspace(), run_id).steps
    if kind == "classifier" and "trees" in steps:
        widgets.chart(charts.tree_progress(steps), key=f"live_{run_id}", alt="Trees grown over time", export=False)
    elif kind == "generator" and charts.curve_columns(steps):
        figure = charts.loss_curves({"this run": steps})
        widgets.chart(figure, key=f"live_{run_id}", alt="Losses of the GAN so far", export=False)


def show_history(dataset: StoredDataset, kind: str) -> pd.DataFrame:
    """All trainings of this kind, newest first, with their headline scores; returns them as the workflow gives them."""
    history = wf.runs(state.workspace(), dataset.name, kind)
    if history.empty:
        runs.none_yet(dataset, kind)
        return history
    rows = [
        {"active": row.active, "run": row.id[-4:], "started": wf.day(row.created), "status": row.status,
         "parameters": wf.describe(row.parameters), **runs.headline(kind, row.metrics), "id": row.id}
        for row in history.itertuples()
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    st.markdown("**All trainings**")
    numbers = table.select_dtypes("number").columns
    scores = {name: st.column_config.NumberColumn(name, format="%.3f", width=90) for name in numbers}
    st.dataframe(table, hide_index=True, column_config=HISTORY | scores, alt=f"Trainings of the {kind}")
    for row in history[history["status"] == "failed"].head(1).itertuples():
        st.caption(f":material/error: Run {row.id[-4:]} failed: {row.error}")
    widgets.downloads(table, f"{dataset.name}-{kind}-runs")
    return history


def choose_runs(history: pd.DataFrame, kind: str) -> list[str]:
    """Ids of the ended runs to look at, in the address; the one in use to begin with."""
    ended = history[~history["status"].isin(feedback.LIVE)]
    if ended.empty:
        return []
    words = {row.id: name_of(row) for row in ended.itertuples()}
    name, key = f"{kind}_runs", f"pick_{kind}_runs"
    asked = [run_id for run_id in state.param(name).split(",") if run_id in words]
    in_use = ended.loc[ended["active"], "id"].tolist() or [ended["id"].iloc[0]]
    st.session_state[key] = asked or in_use[:1]
    return st.multiselect(
        "Runs to look at: one for its details, several to compare them", list(words), key=key, format_func=words.get,
        on_change=_runs_chosen, args=(name, key), max_selections=8,
    )  # fmt: skip


def name_of(row: Any) -> str:
    """A row of the history in a few words."""
    state_words = ["in use"] if row.active else [row.status] if row.status != "done" else []
    return " · ".join([wf.day(row.created), wf.describe(row.parameters), row.id[-4:], *state_words])


def _runs_chosen(name: str, key: str) -> None:
    state.set_params(**{name: ",".join(st.session_state[key])})
