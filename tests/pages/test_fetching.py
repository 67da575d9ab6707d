"""Biosamples of a remote file on the Data page: choosing, what it costs, and the way to the Build form."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs, workflows
from core.store.workspace import Workspace
from core.types import silent
from core.workflows import RemoteChoice
from tests.pages.conftest import Opener
from tests.pages.opening import address as asked
from tests.pages.opening import errors
from tests.sources.large_archs4 import write_large_archs4
from tests.sources.range_server import RangeServer


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a file of 300 biosamples x 240 genes on this machine."""
    folder = tmp_path / "served"
    folder.mkdir()
    write_large_archs4(folder / "small.h5", 300, 240)
    with RangeServer(folder) as server:
        yield server.url("small.h5")


def said(page: AppTest) -> str:
    """Everything that the page says in words."""
    boxes = (*page.markdown, *page.caption, *page.info, *page.success)
    return "\n".join(box.value for box in boxes)


def do(root: Path, kind: str, parameters: dict) -> None:
    """A job, done in this process."""
    workspace = Workspace(root)
    run = workspace.runs.create(kind, "small", parameters)
    workflows.perform(workspace, run, silent)


def test_a_release_is_described_without_asking_its_server(open_page: Opener) -> None:
    page = open_page("data", remote="human_gene_v2.5")
    assert "ARCHS4 2.5, human genes · 888,821 biosamples · 47.9 GB" in said(page)
    assert page.button(key="remote_read").label == "Read its list of biosamples" and not errors(page)


@pytest.mark.parametrize("wrong", ["file:///etc/passwd", "no_such_release", "https://a.org/human_gene_v2.latest.h5"])
def test_a_wrong_address_is_one_error_and_the_page_goes_on(open_page: Opener, wrong: str) -> None:
    page = open_page("data", remote=wrong)
    assert len(errors(page)) == 1 and "Build a dataset" in [head.value for head in page.header]


def test_reading_the_list_is_a_job(open_page: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(jobs, "start", lambda workspace, *what: started.append(what))
    page = open_page("data", remote="mouse_gene_v2.5")
    page.button(key="remote_read").click().run()
    assert started == [("metadata", "mouse_gene_v2.5", {"source": "mouse_gene_v2.5"})]


def test_the_address_restores_the_choice_and_its_table(open_page: Opener, page_root: Path, address: str) -> None:
    do(page_root, "metadata", {"source": address})
    page = open_page("data", remote=address, find="LIVER donor", find_limit="20", find_seed="3")
    chosen = workflows.choose_remote(
        workflows.known_listing(Workspace(page_root), address).biosamples, RemoteChoice("LIVER donor", limit=20, seed=3)
    )
    assert f"**20 biosamples** of {chosen.n_matching} that fit, drawn at random" in said(page)
    table = next(each.value for each in page.dataframe if "characteristics_ch1" in each.value)
    assert table["sample_id"].tolist() == [f"GSM{1000 + row}" for row in chosen.rows]
    nothing = open_page("data", remote=address, find="unicorn")
    assert "No biosample fits" in said(nothing) and not errors(nothing)
    wrong = open_page("data", remote=address, find="age: (", find_pattern="true")
    assert "cannot be read" in errors(wrong)[0]


def test_an_estimate_and_a_fetched_slice_are_shown_for_the_very_choice(
    open_page: Opener, page_root: Path, address: str
) -> None:
    choice = RemoteChoice("kidney", limit=10)
    asked = workflows.request_parameters(address, choice)
    do(page_root, "estimate", asked)
    do(page_root, "fetch", asked)
    page = open_page("data", remote=address, find="kidney", find_limit="10")
    assert "10 biosamples: 0.0 MB of counts in 10 chunks" in said(page)
    path = next((page_root / "downloads").glob("*.h5"))
    assert f"10 biosamples are in `{path}`" in said(page) and page.button(key="remote_build").label == "Build this"
    other = open_page("data", remote=address, find="kidney", find_limit="11")  # another choice: not fetched yet
    assert "are in" not in said(other)


def test_what_failed_says_why(open_page: Opener, page_root: Path, address: str) -> None:
    workspace = Workspace(page_root)
    run = workspace.runs.create("metadata", "small", {"source": address})
    run.write_result("failed", error="the server cannot be reached.")
    page = open_page("data", remote=address)
    assert any("the server cannot be reached." in text for text in errors(page))
    assert page.button(key="remote_read")


def press(page: AppTest, key: str) -> AppTest:
    typed = page.selectbox(key="remote")
    typed.options.append(typed.value)  # AppTest knows of no option that was typed
    return page.button(key=key).click().run()


def use_ids(page: AppTest, text: str, file: tuple[str, bytes] | None = None) -> AppTest:
    page.text_area(key="find_ids_text").set_value(text)
    if file:
        page.file_uploader(key="find_ids_file").upload(*file)
    return press(page, "find_ids_use")


def test_a_pasted_list_of_ids_chooses_them_and_names_those_that_are_not_there(
    open_page: Opener, page_root: Path, address: str
) -> None:
    do(page_root, "metadata", {"source": address})
    page = use_ids(open_page("data", remote=address, find_limit="0"), "my list: gsm1004; GSM1002\nGSM7\tliver\nGSM1004")
    assert "**2 biosamples** that fit, from 1 series" in said(page) and not errors(page)
    assert [box.value for box in page.warning] == ["1 of 3 ids are not in this file: GSM7."]
    table = next(each.value for each in page.dataframe if "characteristics_ch1" in each.value)
    assert table["sample_id"].tolist() == ["GSM1002", "GSM1004"]
    assert asked(page)["find_ids"] == "GSM1004,GSM1002,GSM7"
    cleared = press(page, "find_ids_clear")
    assert "find_ids" not in asked(cleared) and "**293 biosamples** that fit" in said(cleared)


def test_an_uploaded_list_is_kept_so_that_the_address_restores_it(
    open_page: Opener, page_root: Path, address: str
) -> None:
    do(page_root, "metadata", {"source": address})
    names = [f"GSM{1000 + i}" for i in range(100)] + [f"GSM{i}" for i in range(30)]
    table = "sample_id,tissue\n" + "".join(f"{name},liver\n" for name in names)
    page = use_ids(open_page("data", remote=address, find_limit="0"), "", ("mine.csv", table.encode()))
    of_file = sum(i % 40 != 39 for i in range(100))
    assert f"**{of_file} biosamples** that fit" in said(page)
    warned = page.warning[0].value
    assert warned.startswith("30 of 130 ids are not in this file: GSM0, GSM1, ") and warned.endswith(" and 10 more.")
    again = open_page("data", remote=address, find_limit="0", find_ids=asked(page)["find_ids"])
    assert f"**{of_file} biosamples** that fit" in said(again)
    gone = open_page("data", remote=address, find_ids="list-0123456789abcdef")
    assert "paste the ids again" in errors(gone)[0]


def test_a_list_without_ids_is_told_and_changes_nothing(open_page: Opener, page_root: Path, address: str) -> None:
    do(page_root, "metadata", {"source": address})
    page = use_ids(open_page("data", remote=address), "liver and brain")
    assert any("There is no id in it" in text for text in errors(page)) and "find_ids" not in asked(page)


def test_transcript_releases_are_listed_and_told_apart(open_page: Opener) -> None:
    page = open_page("data", remote="human_transcript_v2.2")
    assert "ARCHS4 2.2, human transcripts" in said(page) and not errors(page)
