"""The disk on the Data page: measured when opened, cleaned on confirmation, a dataset deleted by its typed name."""

import pytest
from streamlit.testing.v1 import AppTest

from core import workflows
from core.store.workspace import Workspace


def button(app: AppTest, key: str):
    return next(each for each in app.button if each.key == key)


@pytest.fixture
def page(open_page, page_root):
    workspace = Workspace(page_root)
    workflows.correlated_genes(workspace, "demo", workspace.dataset("demo").rankings["symbol"][0])
    return open_page("data", disk="open")


def test_nothing_is_measured_before_it_is_opened(open_page):
    app = open_page("data")
    assert not app.exception
    assert "Free" not in [each.label for each in app.metric]


def test_it_says_what_takes_how_much_and_what_can_go(page, page_root):
    assert not page.exception
    tiles = {each.label: each.value for each in page.metric}
    found = workflows.disk_use(Workspace(page_root))
    assert tiles["Free"].split()[1] in ("GB", "MB")
    assert tiles["Taken"].endswith(("MB", "kB"))
    table = next(each.value for each in page.dataframe if "rebuildable" in each.value)
    assert set(table["title"]) == set(found.kinds["title"])
    assert table.set_index("title").loc["Trained models and studies", "rebuildable"] == "Cannot be made again"


def test_cleaning_removes_what_was_chosen_and_says_how_much(page, page_root):
    assert (page_root / "datasets" / "demo" / "correlation").is_dir()
    page.multiselect(key="disk_kinds").set_value(["correlation"]).run()
    button(page, "disk_clean").click().run()
    assert not page.exception
    assert not (page_root / "datasets" / "demo" / "correlation").exists()
    assert (page_root / "demo").is_dir()
    assert any("Cleaned 1 piece," in each.value for each in page.success)


def test_a_dataset_goes_only_when_its_name_is_typed(page, page_root):
    assert button(page, "disk_delete").disabled
    page.text_input(key="disk_typed").set_value("dem").run()
    assert button(page, "disk_delete").disabled
    page.text_input(key="disk_typed").set_value("demo").run()
    assert not button(page, "disk_delete").disabled
    button(page, "disk_delete").click().run()
    assert not page.exception
    assert not (page_root / "datasets" / "demo").exists()
    assert Workspace(page_root).runs.all("demo", "classifier") == []
