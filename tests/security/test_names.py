"""Names that come from an address, a form or a file never lead out of the folder that they belong to."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core import workflows as wf
from core.errors import ArchscopeError, GeneSetsError, NotFoundError, RecipeError, StoreError
from core.sources.plain_names import LONGEST, is_plain, kept_name
from core.sources.remote_address import file_name
from core.store.files import read_json, write_json
from core.store.workspace import Workspace
from core.workflows.plan import BuildRequest
from tests.pages.opening import errors, open_page
from tests.security.conftest import Places

HOSTILE = [
    "", ".", "..", "../demo", "../../etc/passwd", "/etc/passwd", "demo/../../x", "demo/", "./demo", "..\\demo",
    "C:\\demo", "demo\0", "\0", "demo\n", ".hidden", "x" * 300, "é" * 150, "../" * 1000,
    "\N{ONE DOT LEADER}\N{ONE DOT LEADER}/demo", "demo\N{RIGHT-TO-LEFT OVERRIDE}", "demo\N{ZERO WIDTH SPACE}",
    "%2e%2e/demo", "~", "~root/x", "demo/manifest.json", "con\r\nx",
]  # fmt: skip


def everything(folder: Path) -> set[Path]:
    return {path for path in folder.parent.rglob("*") if not path.name.startswith("audit")}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_dataset_or_run_is_found_by_a_hostile_name(workspace: Workspace, name: str) -> None:
    with pytest.raises(NotFoundError):
        workspace.dataset(name)
    with pytest.raises(NotFoundError):
        workspace.runs.get(name)
    with pytest.raises(NotFoundError):
        workspace.runs.get(f"../runs/{name}")


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_built_or_added_under_a_hostile_name(workspace: Workspace, tmp_path: Path, name: str) -> None:
    with pytest.raises(RecipeError, match="is no name for a dataset"):
        BuildRequest(tmp_path, name, length_measure="none").recipe()
    with pytest.raises(NotFoundError):
        wf.add(workspace, wf.AddRequest(name, tmp_path))


@pytest.mark.parametrize("name", [*HOSTILE, "demo_brain/../x", "README"])
def test_gene_sets_are_neither_read_nor_kept_by_a_hostile_name(places: Places, name: str) -> None:
    workspace, before = Workspace(places.root), everything(places.root)
    data = b"a set\tof genes\tGFAP\tMBP\n"
    with pytest.raises(NotFoundError):
        wf.gene_sets(workspace, name)
    try:
        kept = wf.keep_gene_sets(workspace, f"{name}.gmt", data)
    except GeneSetsError:
        assert everything(places.root) == before
    else:  # by the last part of the name alone
        assert everything(places.root) - before <= {
            places.root / "gene_sets",
            places.root / "gene_sets" / f"{kept}.gmt",
        }


@pytest.mark.parametrize("name", HOSTILE)
def test_filters_are_saved_in_one_file_whatever_they_are_called(places: Places, name: str) -> None:
    workspace, before = Workspace(places.root), everything(places.root)
    try:
        kept = wf.save_filters(workspace, "demo", name, {"q": "x"})
        assert wf.saved_filters(workspace, "demo")[kept] == {"q": "x"}
    except RecipeError:
        pass
    made = {path for path in everything(places.root) - before if not path.name.startswith(".")}
    assert made <= {places.root / "filters", places.root / "filters" / "demo.json"}


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "..", "a/b", "", "x" * 300])
def test_a_dataset_whose_manifest_gives_it_a_hostile_name_is_refused(places: Places, name: str) -> None:
    manifest = places.root / "datasets/demo/manifest.json"
    write_json(manifest, read_json(manifest) | {"name": name})
    with pytest.raises(StoreError, match="is no name"):
        Workspace(places.root).dataset("demo")


@pytest.mark.parametrize("label", ["../../x", "a/b", "\0", "a\nb", "x" * 500, "a|b", " "])
def test_a_label_is_never_part_of_a_path(places: Places, label: str) -> None:
    workspace, before = Workspace(places.root), everything(places.root)
    sample = workspace.dataset("demo").biosamples["sample_id"].iloc[0]
    try:
        wf.edit_labels(workspace, "demo", [sample], label, "add")
    except ArchscopeError:
        assert everything(places.root) == before
    assert {path.name for path in everything(places.root) - before} <= {"label_edits", "demo.parquet", "demo.lock"}


@pytest.mark.parametrize("name", ["../../../../etc/passwd", "demo\0", "x" * 300])
@pytest.mark.parametrize(
    ("page", "parameter"),
    [("overview", "dataset"), ("train", "run"), ("data", "run"), ("rankings", "sets"), ("classify", "example")],
)
def test_a_hostile_name_in_the_address_leaves_the_page_usable(
    places: Places, page: str, parameter: str, name: str
) -> None:
    app = open_page(page, **{"dataset": "demo", parameter: name})
    assert not app.exception
    assert not any("passwd:" in text or "root:" in text for text in errors(app))


@given(some.text(max_size=300))
def test_a_plain_name_is_one_part_of_a_path_and_nothing_else_is(name: str) -> None:
    if is_plain(name):
        assert Path("folder", name).parts == ("folder", name)
        assert name not in (".", "..")
        assert len(name.encode()) <= LONGEST
        assert not Path("/nonexistent", name).exists()  # no ValueError, no OSError


@given(some.text(max_size=400))
def test_what_is_kept_of_a_name_is_plain(name: str) -> None:
    kept = kept_name(name, "upload")
    assert is_plain(kept), kept


@given(some.text(max_size=200))
def test_the_file_of_an_address_is_plain(text: str) -> None:
    assert is_plain(file_name(f"https://server/{text}"))
