"""The Classify page, without a browser."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core import workflows as wf
from core.store.workspace import Workspace
from pages.ui import predictions, uploads
from tests.conftest import train
from tests.pages.conftest import Opener
from tests.pages.opening import choose_row
from tests.sources import made_uploads


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.main.metric}


def upload(page: AppTest, name: str, content: bytes) -> AppTest:
    page.main.file_uploader[0].set_value((name, content, "text/csv"))
    return page.run()


def test_it_starts_with_a_way_in_and_no_result(open_page: Opener) -> None:
    page = open_page("classify")
    assert not page.exception
    assert len(page.main.file_uploader) == 1
    assert not page.main.metric


def test_the_example_is_read_as_brain(open_page: Opener, page_root: Path) -> None:
    page = open_page("classify")
    page.button(key="try_example_brain.csv").click().run()
    assert not page.exception
    shown = metrics(page)
    workspace = Workspace(page_root)
    path = page_root / "demo" / "example_brain.csv"
    found = wf.classify(workspace, "demo", wf.read_upload(workspace, "demo", path, path.name))[0]
    assert shown["Probability"] == f"{found.probability:.2f}"
    assert "brain" in " ".join(shown.values())
    assert page.query_params["example"] == "example_brain.csv"
    assert any("table of gene and count" in text.value for text in page.main.markdown)


def test_an_address_restores_the_view_of_one_sample_of_many(open_page: Opener) -> None:
    page = open_page("classify", example="example_mixed.csv", item="simulated_heart")
    assert not page.exception
    assert "simulated_heart" in [head.value for head in page.header]
    assert any(len(table.value) == 6 for table in page.main.dataframe)


def test_another_sample_of_the_file_can_be_picked(open_page: Opener) -> None:
    page = open_page("classify", example="example_mixed.csv")
    page.selectbox(key="pick_item").set_value("simulated_testis").run()
    assert page.query_params["item"] == "simulated_testis"
    assert "simulated_testis" in [head.value for head in page.header]


def test_an_upload_survives_in_the_address_of_its_session_alone(open_page: Opener, page_root: Path) -> None:
    content = (page_root / "demo" / "example_brain.csv").read_bytes()
    page = upload(open_page("classify"), "mine.csv", content)
    assert not page.exception
    assert "mine" in [head.value for head in page.header]
    link, shown = page.query_params["upload"], metrics(page)
    page.button(key="try_example_mixed.csv").click().run()
    assert metrics(page) != shown
    page.query_params["upload"] = link
    del page.query_params["example"]
    assert metrics(page.run()) == shown  # back to it in the same session

    other = open_page("classify", upload=link)
    assert "uploads stay in the session that made them" in other.main.info[0].value
    assert not metrics(other)
    assert not other.exception


def test_an_upload_leaves_nothing_behind_on_the_disk_or_in_other_sessions(open_page: Opener, page_root: Path) -> None:
    before = {path for path in page_root.rglob("*") if not path.name.startswith("archscope.duckdb")}
    upload(open_page("classify"), "mine.csv", (page_root / "demo" / "example_brain.csv").read_bytes())
    assert {path for path in page_root.rglob("*") if not path.name.startswith("archscope.duckdb")} == before
    other = open_page("classify")
    assert "uploads" not in other.session_state and "answers" not in other.session_state


def test_a_link_to_an_upload_that_is_gone_says_what_to_do(open_page: Opener) -> None:
    page = open_page("classify", upload="0123456789abcdef")
    assert "Upload the file again" in page.main.info[0].value


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"gene,count\nNOSUCHGENE1,5\nNOSUCHGENE2,7\n", "None of the 2 genes"),
        (b"gene,count\nGFAP,-5\nMBP,7\n", "GFAP"),
        (b"gene,count\nGFAP,many\nMBP,7\n", "GFAP"),
        (b"gene,count\nGFAP,5\nGFAP,7\n", "GFAP"),
    ],
)
def test_a_wrong_file_gives_one_error_and_the_page_stays_usable(open_page: Opener, content: bytes, words: str) -> None:
    page = upload(open_page("classify"), "wrong.csv", content)
    assert not page.exception
    assert len(page.main.error) == 1
    assert words in page.main.error[0].value
    assert not page.main.metric
    page.button(key="try_example_brain.csv").click().run()
    assert not page.main.error
    assert page.main.metric


def test_few_genes_make_the_model_abstain_in_words(open_page: Opener, page_root: Path) -> None:
    table = pd.read_csv(page_root / "demo" / "example_brain.csv")
    few = table[table["count"] > 0].head(60).to_csv(index=False).encode()
    page = upload(open_page("classify"), "few.csv", few)
    assert "abstains" in page.main.warning[0].value
    assert "genes" in page.main.warning[0].value
    assert "Reads most like" in metrics(page)


def batch(root: Path, count: int) -> bytes:
    """A matrix of biosamples of the demo, the last of which is noise."""
    dataset = Workspace(root).dataset("demo")
    counts = dataset.counts(np.arange(count))
    counts[-1] = np.random.default_rng(1).permutation(counts[-1])
    names = [f"s{i}" for i in range(count)]
    return pd.DataFrame(counts.T, index=dataset.genes["ensembl_gene_id"], columns=names).to_csv().encode()


def test_a_batch_is_summed_up_and_opens_one_sample(open_page: Opener, page_root: Path) -> None:
    page = upload(open_page("classify"), "many.csv", batch(page_root, 60))
    assert not page.exception
    workspace = Workspace(page_root)
    found = wf.call(workspace, "demo", wf.read_upload(workspace, "demo", batch(page_root, 60), "many.csv"))
    abstained = sum(prediction.abstained for prediction in found)
    shown = metrics(page)
    assert (shown["Samples"], shown["Called"], shown["Abstained"]) == ("60", f"{60 - abstained}", f"{abstained}")
    assert shown["Novel"] == f"{sum(prediction.novel for prediction in found)}"
    assert {"result_csv", "result_parquet", "result_json"} <= {button.key for button in page.get("download_button")}
    page = choose_row(page, "all_samples", 7)
    assert not page.exception
    assert page.query_params["item"] == "s7"
    assert "s7" in [head.value for head in page.header]
    one = wf.classify(workspace, "demo", wf.read_upload(workspace, "demo", batch(page_root, 60), "many.csv"))[7]
    assert any(one.nearest["sample_id"].tolist() == table.value.get("sample_id", pd.Series()).tolist()
               for table in page.main.dataframe)  # fmt: skip
    assert metrics(page)["Probability"] == f"{one.probability:.2f}"


def test_a_zipped_10x_folder_is_classified_as_one_sample(open_page: Opener, page_root: Path) -> None:
    genes = Workspace(page_root).dataset("demo").genes
    counts = Workspace(page_root).dataset("demo").counts(np.array([5]))[0]
    cells = np.stack([counts - counts // 2, counts // 2], axis=1).astype(np.int64)
    files = made_uploads.ten_x(cells, genes["ensembl_gene_id"].to_list(), genes["symbol"].to_list())
    page = upload(open_page("classify"), "liver.zip", made_uploads.zipped(files))
    assert not page.exception and not page.main.error
    assert "liver" in [head.value for head in page.header]
    assert any("Read as **10x folder (zip)" in text.value for text in page.main.markdown)
    assert any("the counts of 2 cells were added up to one sample" in text.value for text in page.main.caption)
    page = upload(page, "sheet.xlsx", made_uploads.zipped({"xl/workbook.xml": b"x"}))
    assert "turns gene names into dates" in page.main.error[0].value


def test_json_of_every_sample_is_left_to_the_command_line_for_many(open_page: Opener, page_root: Path) -> None:
    page = upload(open_page("classify"), "many.csv", batch(page_root, predictions.MOST_JSON + 1))
    assert "result_json" not in {button.key for button in page.get("download_button")}
    assert any("--format json" in caption.value for caption in page.main.caption)


def test_what_the_values_are_can_be_said_and_is_in_the_address(open_page: Opener, page_root: Path) -> None:
    counts = pd.read_csv(page_root / "demo" / "example_brain.csv", index_col=0)
    page = upload(open_page("classify"), "tpm.csv", (counts / 7.3).to_csv().encode())
    assert any("were taken as scaled counts" in caption.value for caption in page.main.caption)
    page.selectbox(key="pick_units").set_value("tpm").run()
    assert not page.exception
    assert page.query_params["units"] == "tpm"
    assert any("multiplied by gene length, as was asked for" in caption.value for caption in page.main.caption)
    page = upload(page, "other.csv", counts.to_csv().encode())
    assert "units" not in page.query_params
    assert page.selectbox(key="pick_units").value == "auto"


def test_uploads_and_answers_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "KEPT_BYTES", 10)
    store = uploads.Uploads()
    first, second, third = (store.keep("a", data) for data in (b"123456", b"1234", b"12345678901234"))
    assert store.get(first) is None and store.get(second) is None
    assert store.get(third) == ("a", b"12345678901234")
    monkeypatch.setattr(predictions, "KEPT", 2)
    answers = predictions._Answers()
    for name in ("a", "b"):
        answers.keep(predictions.Answer((name,), []))
    assert answers.get(("a",)) is not None
    answers.keep(predictions.Answer(("c",), []))
    assert answers.get(("b",)) is None and answers.get(("a",)) is not None


def test_a_biosample_without_a_label_can_be_chosen(open_page: Opener, page_root: Path) -> None:
    sample_id = wf.unlabelled(Workspace(page_root), "demo")["sample_id"].iloc[0]
    page = open_page("classify")
    page.selectbox(key="pick_biosample").set_value(sample_id).run()
    assert not page.exception
    assert page.query_params["biosample"] == sample_id
    assert sample_id in [head.value for head in page.header]


def test_an_unknown_biosample_is_one_error(open_page: Opener) -> None:
    page = open_page("classify", biosample="GSM0")
    assert [error.value for error in page.main.error if "GSM0" in error.value]
    assert not page.exception


def test_a_newly_chosen_run_is_used(open_page: Opener, page_root: Path) -> None:
    before = metrics(open_page("classify", example="example_brain.csv"))
    workspace = Workspace(page_root)
    other = train(workspace, "classifier", trees=3, genes=20, seed=9)
    wf.activate(workspace, other.id)
    page = open_page("classify", example="example_brain.csv")
    assert other.id[-4:] in page.selectbox(key="pick_classifier").format_func(other.id)
    assert page.selectbox(key="pick_classifier").value == other.id
    assert metrics(page)["Probability"] != before["Probability"]


def test_without_a_classifier_the_page_says_how_to_get_one(open_page: Opener, page_root: Path) -> None:
    for folder in (page_root / "runs").glob("*classifier*"):
        shutil.rmtree(folder)
    page = open_page("classify")
    assert not page.exception
    assert "No classifier is trained" in page.main.info[0].value
    assert not page.main.file_uploader


def test_while_the_first_classifier_trains_its_job_is_shown(open_page: Opener, page_root: Path) -> None:
    for folder in (page_root / "runs").glob("*classifier*"):
        shutil.rmtree(folder)
    workspace = Workspace(page_root)
    run = workspace.runs.create("classifier", "demo", {}, workspace.dataset("demo").fingerprint)
    page = open_page("classify")
    assert not page.exception
    assert "being trained" in page.main.info[0].value
    assert page.button(key=f"cancel-{run.id}")
