"""Data: the list of datasets, building one, and what is said when input is no good."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import streamlit as st
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from core import jobs, workflows
from core.sources.archs4 import Archs4File, write_archs4
from core.store.label_edits import appended
from core.store.runs import Run
from core.store.workspace import Workspace
from core.types import silent
from pages.ui.labelling import origin
from tests.pages.opening import address, choose_rows, errors, open_page


@pytest.fixture(autouse=True)
def _fresh(page_root: Path) -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Jobs that the page starts; they run in this process, at once."""
    found: list[Run] = []

    def start(workspace: Workspace, kind: str, dataset: str, parameters: dict[str, Any]) -> Run:
        run = workspace.runs.create(kind, dataset, parameters)
        found.append(run)
        try:
            workflows.perform(workspace, run, silent)
        except workflows.EXPECTED as error:
            assert run.error == str(error)
        return run

    monkeypatch.setattr(jobs, "start", start)
    return found


def fill(app: AppTest, name: str, **paths: Path | str) -> AppTest:
    app.text_input(key="build_name").set_value(name)
    for key, path in paths.items():
        app.text_input(key=f"{key}_path").set_value(str(path))
    return next(button for button in app.button if button.label == "Build").click().run()


def demo_files(root: Path) -> dict[str, Path]:
    return {kind: Path(path) for kind, path in Workspace(root).dataset("demo").manifest["sources"].items()}


def test_lists_datasets_and_names_genes_without_a_length(workspace: Workspace) -> None:
    app = open_page("data", dataset="demo")
    assert not app.exception
    assert app.dataframe[0].value["name"].tolist() == ["demo"]
    left_out = app.dataframe[1].value
    without = workspace.dataset("demo").manifest["without_length"]
    assert set(without) <= set(left_out["gene"])
    assert any(f"**{len(without)}** of" in text.value for text in app.markdown)


def test_builds_a_dataset_and_recognises_it_the_second_time(page_root: Path, builds: list[Run]) -> None:
    files = demo_files(page_root)
    app = fill(open_page("data", dataset="demo"), "again", **files)
    assert not app.exception
    assert not errors(app)
    assert address(app)["run"] == builds[0].id
    assert any("is done" in box.value for box in app.success)
    assert app.dataframe[0].value["name"].tolist() == ["again", "demo"]
    app = fill(open_page("data", dataset="demo"), "again", **files)
    assert any("built before" in box.value for box in app.info)
    assert [run.result["metrics"]["cached"] for run in builds] == [False, True]


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("", ("counts", "lengths"), "no name"),
        ("new", (), "no counts file"),
        ("new", ("counts",), "lengths are missing"),
        ("../new", ("counts", "lengths"), "no name for a dataset"),
    ],
)
def test_what_is_missing_is_one_error_and_starts_nothing(
    page_root: Path, builds: list[Run], name: str, given: tuple[str, ...], said: str
) -> None:
    files = demo_files(page_root)
    app = fill(open_page("data", dataset="demo"), name, **{key: files[key] for key in given})
    assert len(errors(app)) == 1
    assert said in errors(app)[0]
    assert builds == []


def test_a_gencode_release_stands_for_the_lengths(page_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(jobs, "start", lambda workspace, *what: started.append(what) or workspace.runs.create(*what))
    app = open_page("data", dataset="demo")
    options = app.selectbox(key="build_gencode").options
    assert "41: human, Ensembl 107" in options and "M30: mouse, Ensembl 107" in options
    app.selectbox(key="build_gencode").select("41")
    fill(app, "released", counts=demo_files(page_root)["counts"])
    assert [(kind, name, given["lengths"]) for kind, name, given in started] == [("build", "released", "gencode:v41")]


def test_a_release_and_a_file_of_lengths_are_one_too_many(page_root: Path, builds: list[Run]) -> None:
    files = demo_files(page_root)
    app = open_page("data", dataset="demo")
    app.selectbox(key="build_gencode").select("41")
    app = fill(app, "both", counts=files["counts"], lengths=files["lengths"])
    assert len(errors(app)) == 1 and "give one of them" in errors(app)[0] and builds == []


def test_a_path_that_is_not_there_is_one_error(page_root: Path, builds: list[Run]) -> None:
    app = fill(open_page("data", dataset="demo"), "new", counts="/no/such.h5", lengths=demo_files(page_root)["lengths"])
    assert ["/no/such.h5" in text for text in errors(app)] == [True]
    assert builds == []


def test_a_file_that_is_no_counts_file_is_one_error_and_changes_nothing(page_root: Path, builds: list[Run]) -> None:
    files = demo_files(page_root)
    app = fill(open_page("data", dataset="demo"), "bad", counts=files["labels"], lengths=files["lengths"])
    assert not app.exception
    in_page = [box.value for box in app.main.error]
    assert len(in_page) == 1
    assert files["labels"].name in in_page[0]
    assert app.dataframe[0].value["name"].tolist() == ["demo"]


def test_an_upload_has_a_folder_of_its_own_while_its_job_needs_it(page_root: Path, builds: list[Run]) -> None:
    files = demo_files(page_root)
    app = open_page("data", dataset="demo")
    app.segmented_control(key="files_from").set_value("Upload").run()
    app.text_input(key="build_name").set_value("uploaded")
    for kind in ("counts", "labels", "lengths"):
        app.file_uploader(key=f"{kind}_upload").upload(files[kind].name, files[kind].read_bytes())
    app = next(button for button in app.button if button.label == "Build").click().run()
    assert not app.exception
    assert not errors(app)
    counts = Path(builds[0].recipe["parameters"]["counts"])
    assert counts.name == files["counts"].name
    assert counts.parts[: len(page_root.parts) + 2] == (page_root / "uploads/uploaded").parts
    assert Workspace(page_root).dataset("uploaded").fingerprint == Workspace(page_root).dataset("demo").fingerprint


def add(app: AppTest, **paths: Path | str) -> AppTest:
    for key, path in paths.items():
        app.text_input(key=f"add_{key}_path").set_value(str(path))
    return next(button for button in app.button if button.label == "Add").click().run()


def test_adds_the_biosamples_of_another_file(page_root: Path, builds: list[Run]) -> None:
    files = demo_files(page_root)
    before = len(Workspace(page_root).dataset("demo").biosamples)
    app = add(open_page("data", dataset="demo"), counts=files["counts"])
    assert not app.exception
    assert any("has every biosample of the file already" in box.value for box in app.info)
    with Archs4File(files["counts"]) as file:
        more = file.biosamples.iloc[:9].assign(sample_id=[f"GSM_NEW{i}" for i in range(9)], singlecellprobability=0.0)
        write_archs4(page_root / "more.h5", file.read(slice(9)), file.genes, more, {"simulated": "yes"})
    app.selectbox(key="add_target").set_value("kept")
    app = add(app, counts=page_root / "more.h5")
    assert not app.exception
    assert [run.kind for run in builds] == ["add", "add"]
    assert len(Workspace(page_root).dataset("demo").biosamples) == before + 9
    assert any("The target was kept" in text.value for text in app.caption)


def test_nothing_to_add_is_one_error(page_root: Path, builds: list[Run]) -> None:
    for counts, said in (("", "no counts file"), ("/no/such.h5", "no file /no/such.h5")):
        app = add(open_page("data", dataset="demo"), counts=counts)
        assert [said in text for text in errors(app)] == [True]
    assert builds == []


def test_a_build_that_runs_is_followed_after_a_refresh(page_root: Path) -> None:
    run = Workspace(page_root).runs.create("build", "slow", {})
    app = open_page("data", dataset="demo", run=run.id)
    assert any("Build · slow" in text.value for text in app.main.markdown)
    assert any(button.label == "Cancel" for button in app.main.button)
    next(button for button in app.main.button if button.label == "Cancel").click().run()
    assert run.status == "cancelled"


# -- labels ----------------------------------------------------------------------------------------------------------


def shown(app: AppTest, table: str = "label_rows") -> pd.DataFrame:
    return next(each.value for each in app.dataframe if str(each.key).startswith(f"{table}-"))


def found(app: AppTest) -> int:
    return next(
        int(text.value.split("**")[1].replace(",", "")) for text in app.markdown if "** biosample" in text.value
    )


def edit(app: AppTest, action: str, label: str) -> AppTest:
    """Types a label, known or not, and presses a button of the form."""
    states = app._tree.get_widget_states()
    choice, button = app.selectbox(key="label_choice"), app.button(key=f"label_{action}")
    assert not button.disabled
    kept = [one for one in states.widgets if one.id not in (choice.id, button.id)]
    del states.widgets[:]
    states.widgets.extend(kept)
    states.widgets.append(WidgetState(id=choice.id, string_value=label))
    states.widgets.append(WidgetState(id=button.id, trigger_value=True))
    return app._run(states)


def of_now(root: Path) -> dict[str, str]:
    biosamples = Workspace(root).dataset("demo").biosamples
    return dict(zip(biosamples["sample_id"], biosamples["labels"], strict=True))


def test_adds_a_label_to_the_rows_that_are_selected(page_root: Path) -> None:
    before = of_now(page_root)
    app = open_page("data", dataset="demo")
    assert found(app) == len(before)
    assert app.button(key="label_add").disabled
    app.segmented_control(key="label_show").set_value("No label").run()
    ids = shown(app)["sample_id"].tolist()
    assert ids == [one for one, labels in before.items() if not labels]
    app = choose_rows(app, "label_rows", [0, 2, 3])
    assert any("Edit the labels of 3 biosamples" in text.value for text in app.markdown)
    app = edit(app, "add", "pineal gland")
    assert not app.exception
    assert [box.value for box in app.success] == ["3 biosamples now carry 'pineal gland'."]
    now = of_now(page_root)
    assert {one for one in now if now[one] != before[one]} == {ids[0], ids[2], ids[3]}
    assert found(app) == len(ids) - 3  # they have a label now and are out of sight
    assert app.button(key="label_add").disabled  # and nothing unseen stays selected
    assert shown(app, "label_edits")["label"].tolist() == ["pineal gland"] * 3
    assert any("Tau and the top label of the rankings are those of the build" in text.value for text in app.caption)


def test_a_selection_is_of_ids_and_outlives_an_edit_and_a_narrower_search(page_root: Path) -> None:
    app = open_page("data", dataset="demo", label_q="liver")
    rows = shown(app)
    wanted = rows["sample_id"].iloc[[1, 4]].tolist()
    app = edit(choose_rows(app, "label_rows", [1, 4]), "add", "checked")
    assert any("Edit the labels of 2 biosamples" in text.value for text in app.markdown)
    app.text_input(key="label_q").set_value(f"liver {wanted[1]}").run()
    assert shown(app)["sample_id"].tolist() == wanted[1:]
    app = edit(app, "remove", "checked")  # of the one that is shown alone
    assert [box.value for box in app.success] == ["1 biosample no longer carries 'checked'."]
    assert [one for one, labels in of_now(page_root).items() if "checked" in labels] == wanted[:1]


def test_a_search_is_in_the_address(page_root: Path) -> None:
    now = of_now(page_root)
    app = open_page("data", dataset="demo", label_of="liver", label_q="biopsy")
    assert not app.exception
    assert 0 < found(app) < sum("liver" in labels.split("|") for labels in now.values())
    app = open_page("data", dataset="demo", label_show="No label")
    assert found(app) == sum(not labels for labels in now.values())
    app = open_page("data", dataset="demo", label_of="unicorn")  # a label that is not there is passed over
    assert not app.exception
    assert found(app) == len(now)


def test_edits_all_that_match(page_root: Path) -> None:
    before = of_now(page_root)
    liver = [one for one, labels in before.items() if "liver" in labels.split("|")]
    app = open_page("data", dataset="demo")
    assert not [toggle for toggle in app.toggle if "that match" in toggle.label]  # not the whole dataset by a slip
    app.multiselect(key="label_of").set_value(["liver"]).run()
    assert found(app) == len(liver)
    next(toggle for toggle in app.toggle if "that match" in toggle.label).set_value(True).run()
    app = edit(app, "remove", "liver")
    assert [box.value for box in app.success] == [f"{len(liver):,} biosamples no longer carry 'liver'."]
    now = of_now(page_root)
    assert {one for one in now if now[one] != before[one]} == set(liver)


def test_the_browser_gets_so_many_rows_and_no_more(page_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.ui.labelling.MOST_ROWS", 7)
    app = open_page("data", dataset="demo")
    assert len(shown(app)) == 7
    assert any("the first 7 are shown" in text.value for text in app.markdown)
    assert found(app) == len(of_now(page_root))


@pytest.mark.parametrize(("label", "said"), [("a|b", "separates labels"), ("x" * 81, "81 characters"), ("", "blank")])
def test_a_label_that_cannot_be_is_one_error(page_root: Path, label: str, said: str) -> None:
    app = edit(choose_rows(open_page("data", dataset="demo"), "label_rows", [0]), "add", label)
    assert not app.exception
    assert [said in text for text in errors(app)] == [True]
    assert Workspace(page_root).dataset("demo").edits.empty


def test_undoes_selected_edits_the_last_change_and_all(page_root: Path) -> None:
    before, workspace = of_now(page_root), Workspace(page_root)
    bare = [one for one, labels in before.items() if not labels]
    for some in (bare[:2], bare[2:5], bare[5:7]):
        workflows.edit_labels(workspace, "demo", some, "pineal gland", note="so")
    app = open_page("data", dataset="demo")
    assert shown(app, "label_edits")["sample_id"].tolist() == bare[:7][::-1]
    app = choose_rows(app, "label_edits", [0, 6])  # the newest and the oldest
    app.button(key="label_undo_selected").click().run()
    assert [box.value for box in app.success] == ["2 edits undone."]
    assert [one for one, labels in of_now(page_root).items() if labels == "pineal gland"] == bare[1:6]
    app.button(key="label_undo_last").click().run()
    assert [one for one, labels in of_now(page_root).items() if labels == "pineal gland"] == bare[1:5]
    app.button(key="label_undo_all").click().run()
    assert [box.value for box in app.success] == ["4 edits undone."]
    assert of_now(page_root) == before


def test_edits_of_others_and_of_biosamples_that_are_gone(page_root: Path) -> None:
    app = open_page("data", dataset="demo")
    edits = Workspace(page_root).label_edits("demo")
    edits.change(
        lambda old: appended(appended(old, ["GSM0"], "liver", "add"), [shown(app)["sample_id"][0]], "x", "add")
    )
    app.run()
    assert shown(app)["labels"][0].endswith("x")
    assert shown(app, "label_edits")["applied"].tolist() == [True, False]
    assert any("1 of the edits is of biosamples that the dataset does not have" in text.value for text in app.caption)


def test_says_where_a_label_came_from(page_root: Path) -> None:
    workspace = Workspace(page_root)
    first = workspace.dataset("demo").biosamples["sample_id"][0]
    workflows.edit_labels(workspace, "demo", [first], "pineal gland", note="by eye")
    app = choose_rows(open_page("data", dataset="demo", label_q=first), "label_rows", [0])
    where = shown(app)["where"][0]
    assert "demo_labels.tsv" in where
    assert where.endswith(": by eye")
    bits = next(each.value for each in app.dataframe if "words" in each.value)
    assert bits["label"].tolist() == shown(app)["labels"][0].split("|")
    edited = {"source": "edited", "field": "", "words": "", "when": "2026-03-01T10:00:00+00:00", "note": ""}
    assert origin(edited) == "edited 01 Mar 2026"
    rule = {"source": "rules", "field": "source_name_ch1", "words": "whole liver", "when": "", "note": ""}
    assert origin(rule) == "rules, source name “whole liver”"


def test_downloads_are_there(page_root: Path) -> None:
    labels = {button.label for button in open_page("data", dataset="demo").get("download_button")}
    assert {"Labels (TSV)", "Labels with sources (CSV)"} <= labels
    assert "Edits (CSV)" not in labels
    workspace = Workspace(page_root)
    workflows.edit_labels(workspace, "demo", workspace.dataset("demo").biosamples["sample_id"][:1], "x")
    assert "Edits (CSV)" in {button.label for button in open_page("data", dataset="demo").get("download_button")}


def test_other_pages_show_the_edits(page_root: Path) -> None:
    workspace = Workspace(page_root)
    sample = workspace.dataset("demo").biosamples["sample_id"][0]
    [near] = workflows.similar_biosamples(workspace, "demo", sample, 1)["sample_id"]

    def labels_of_near(page: str) -> set[str]:
        app = open_page(page, dataset="demo", gene="GFAP", sample=sample)
        assert not app.exception
        tables = [each.value for each in app.dataframe if {"sample_id", "labels"} <= set(each.value)]
        return {text for table in tables for text in table.loc[table["sample_id"] == near, "labels"]}

    before = {page: labels_of_near(page) for page in ("overview", "neighbourhood")}  # and it is kept in memory
    assert any(before.values())
    workflows.edit_labels(workspace, "demo", [near], "pineal gland")
    for page, labels in before.items():
        assert labels_of_near(page) == {f"{text}|pineal gland".strip("|") for text in labels}
    app = open_page("rankings", dataset="demo")
    assert any("tau and the top label are those of the build" in text.value for text in app.caption)


def test_labels_by_rules_and_their_parents(page_root: Path, builds: list[Run]) -> None:
    files = demo_files(page_root)
    app = open_page("data", dataset="demo")
    app.toggle(key="build_rules").set_value(True)
    app.toggle(key="build_parents").set_value(True)
    app = fill(app, "ruled", counts=files["counts"], lengths=files["lengths"])
    assert not app.exception
    assert not errors(app)
    sources = set(Workspace(page_root).dataset("ruled").labels["source"])
    assert "rules" in sources
    assert Path(builds[0].recipe["parameters"]["label_parents"]).name == "label_parents.tsv"


def test_a_folder_of_labels_without_tables_is_one_error(page_root: Path, builds: list[Run], tmp_path: Path) -> None:
    (tmp_path / "brain").mkdir()
    files = demo_files(page_root)
    given = {"counts": files["counts"], "lengths": files["lengths"], "labels": tmp_path}
    app = fill(open_page("data", dataset="demo"), "foldered", **given)
    assert not app.exception
    assert [f"{tmp_path / 'brain'}: has no table" in box.value for box in app.main.error] == [True]
