"""Nothing that is read runs a program: hostile files in place of every model, array and table are refused in words."""

import ast
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io
from sklearn.pipeline import FunctionTransformer

from core import workflows as wf
from core.errors import ArchscopeError, StoreError
from core.models.classifier import TissueClassifier
from core.models.generators import load_generator
from core.models.novelty import Novelty
from core.settings import PROJECT
from core.store.datasets import StoredDataset
from core.store.label_edits import LabelEdits
from core.store.runs import Run, RunStore
from core.store.workspace import Workspace
from core.types import silent
from tests.security import hostile

Maker = Callable[[Path], bytes]
ANYTHING: dict[str, Maker] = {
    "a pickle": hostile.pickled,
    "joblib": hostile.joblibbed,
    "torch.save": hostile.torch_saved,
    "an array of objects": hostile.object_array,
    "arrays of objects": lambda mark: hostile.object_arrays(mark, "target", "sets", "novelty_units", "steps"),
    "nothing": lambda mark: b"",
    "an empty zip": lambda mark: b"PK\5\6" + bytes(18),
    "noise": lambda mark: bytes(range(256)) * 40,
}


@pytest.fixture
def mark(tmp_path: Path):
    """A file that must not be there at the end."""
    path = tmp_path / "a program ran"
    yield path
    assert not path.exists()


@pytest.fixture
def root(demo_root: Path, tmp_path: Path) -> Path:
    shutil.copytree(demo_root, tmp_path / "data")
    return tmp_path / "data"


def model(root: Path, kind: str) -> Path:
    """The folder of a trained model's files."""
    run = Workspace(root).runs.all("demo", kind)[0]
    name = {"classifier": "classifier.json", "generator": "generator.json"}[kind]
    return next(run.path.rglob(name)).parent


def test_the_bombs_go_off_where_they_are_loaded_carelessly(tmp_path: Path) -> None:
    import pickle

    for number, make in enumerate((hostile.pickled, hostile.object_array)):
        mark = tmp_path / f"mark{number}"
        path = tmp_path / "file"
        path.write_bytes(make(mark))
        pickle.loads(path.read_bytes()) if number == 0 else np.load(path, allow_pickle=True)
        assert mark.exists()


@pytest.mark.parametrize("what", ANYTHING)
@pytest.mark.parametrize("file", ["forest.skops", "classifier.npz", "classifier.json"])
def test_a_classifiers_files(root: Path, mark: Path, file: str, what: str) -> None:
    folder = model(root, "classifier")
    (folder / file).write_bytes(ANYTHING[what](mark))
    with pytest.raises(StoreError, match=r"train the classifier again|was not written by us"):
        TissueClassifier.load(folder)


@pytest.mark.parametrize("what", ANYTHING)
@pytest.mark.parametrize("file", ["generator.safetensors", "generator.json"])
def test_a_generators_files(root: Path, mark: Path, file: str, what: str) -> None:
    folder = model(root, "generator")
    (folder / file).write_bytes(ANYTHING[what](mark))
    with pytest.raises(StoreError, match="train"):
        load_generator(folder)


@pytest.mark.parametrize("what", ANYTHING)
def test_a_checkpoint(root: Path, mark: Path, what: str) -> None:
    workspace = Workspace(root)
    parameters = {"label": "brain", "steps": 60}
    run = workspace.runs.create("generator", "demo", parameters, workspace.dataset("demo").fingerprint)
    (run.path / "checkpoint").mkdir()
    names = [path.name for path in root.rglob("checkpoint/*.safetensors")] or ["checkpoint.safetensors"]
    (run.path / "checkpoint" / names[0]).write_bytes(ANYTHING[what](mark))
    with pytest.raises(StoreError, match="delete it and train again"):
        wf.perform(workspace, run, silent)
    (run.path / "cancelled").touch()


@pytest.mark.parametrize("what", ANYTHING)
def test_a_novelty_score(tmp_path: Path, mark: Path, what: str) -> None:
    (tmp_path / "novelty.npz").write_bytes(ANYTHING[what](mark))
    with pytest.raises(StoreError, match=r"novelty\.npz"):
        Novelty.load(tmp_path)


ARRAYS = {
    "target.npy": "target", "norms.npy": "norms", "medians.npy": "medians", "members.npy": "members",
    "totals.npz": "totals",
}  # fmt: skip
TABLES = {f"{name}.parquet": name for name in ("genes", "rankings", "biosamples", "labels", "transcripts")}


@pytest.mark.parametrize("what", ANYTHING)
@pytest.mark.parametrize("file", ARRAYS | TABLES)
def test_a_datasets_arrays_and_tables(root: Path, mark: Path, file: str, what: str) -> None:
    dataset = StoredDataset(root / "datasets" / "demo")
    (dataset.path / file).write_bytes(ANYTHING[what](mark))
    if file == "totals.npz" and what in ("torch.save", "an empty zip"):
        assert not {"steps", "expressed"} & dataset.totals.keys()  # archives without arrays
        return
    with pytest.raises(StoreError, match=file.split(".")[0]):
        getattr(dataset, (ARRAYS | TABLES)[file])


@pytest.mark.parametrize("what", ANYTHING)
@pytest.mark.parametrize("folder", ["counts", "expression"])
def test_a_datasets_tiles(root: Path, mark: Path, folder: str, what: str) -> None:
    for path in (root / "datasets/demo" / folder).iterdir():
        path.write_bytes(ANYTHING[what](mark))
    dataset = StoredDataset(root / "datasets" / "demo")
    with pytest.raises(StoreError):
        dataset.counts([0]) if folder == "counts" else dataset.expression([0])


@pytest.mark.parametrize("what", ANYTHING)
def test_label_edits(tmp_path: Path, mark: Path, what: str) -> None:
    (tmp_path / "demo.parquet").write_bytes(ANYTHING[what](mark))
    with pytest.raises(StoreError, match="label edits"):
        LabelEdits(tmp_path, "demo").read()


def test_a_parquet_column_of_a_pickled_type_is_not_unpickled(root: Path, mark: Path) -> None:
    path = root / "datasets/demo/labels.parquet"
    table = pq.read_table(path)
    about = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": hostile.pickled(mark)}
    fields = [pa.field(field.name, field.type, metadata=about) for field in table.schema]
    pq.write_table(pa.table(table.columns, schema=pa.schema(fields)), path)
    assert len(StoredDataset(root / "datasets/demo").labels)


@pytest.mark.parametrize("what", [name for name in ANYTHING if name != "nothing"])
@pytest.mark.parametrize("ending", ["csv", "tsv", "h5", "h5ad", "zip", "txt.gz", "pkl", "npz", "pt"])
def test_an_upload(workspace: Workspace, mark: Path, ending: str, what: str) -> None:
    with pytest.raises(ArchscopeError):
        wf.classify(workspace, "demo", ANYTHING[what](mark), f"sample.{ending}")


# -- models of the right kind of file, with the wrong things in it ---------------------------------------------------


SCHEMAS = {
    "a function to call": hostile.skops_call,
    "a type that is not trusted": lambda mark: skops.io.dumps(FunctionTransformer(mark.touch)),
    "something that is no forest": lambda mark: skops.io.dumps({"a": np.zeros(3)}),
    "no schema": lambda mark: hostile.skops_file({}),
    "a list for a schema": lambda mark: hostile.skops_file([1, 2]),
    "text for a schema": lambda mark: hostile.skops_file("no JSON"),
    "an unknown loader": lambda mark: hostile.skops_file({"__loader__": "Evil", "__class__": "x", "__module__": "os"}),
    "loaders without end": lambda mark: hostile.skops_file('{"a":' * 50_000 + "1" + "}" * 50_000),
    "a pickle within": lambda mark: hostile.skops_array(mark, "a.npy"),
    "a member called ../../x": lambda mark: hostile.skops_array(mark, "../../x.npy"),
}


@pytest.mark.parametrize("what", SCHEMAS)
def test_a_forest_with_something_else_in_it(root: Path, mark: Path, what: str) -> None:
    folder = model(root, "classifier")
    (folder / "forest.skops").write_bytes(SCHEMAS[what](mark))
    with pytest.raises(StoreError, match=r"forest\.skops"):
        TissueClassifier.load(folder)


WRONG: list[Any] = [None, [], {}, "text", 1.5, -1, 10**30, True, ["x"], {"x": 1}, {"genes": "many"}, [[[]]]]


@pytest.mark.parametrize("key", [None, "recipe", "label_names", "settings", "calibration"])
def test_a_classifiers_card_of_wrong_types(root: Path, key: str | None) -> None:
    path = model(root, "classifier") / "classifier.json"
    right = json.loads(path.read_text())
    for value in WRONG:
        if (key, value) == ("calibration", {}):
            continue  # that of no calibration
        path.write_text(json.dumps(value if key is None else right | {key: value}))
        with pytest.raises(ArchscopeError):
            TissueClassifier.load(path.parent)


@pytest.mark.parametrize("key", [None, "model", "recipe", "labels", "history"])
def test_a_generators_card_of_wrong_types(root: Path, key: str | None) -> None:
    path = model(root, "generator") / "generator.json"
    right = json.loads(path.read_text())
    for value in WRONG:
        if isinstance(value, list) and key in ("labels", "history"):
            continue  # some lists are right there
        path.write_text(json.dumps(value if key is None else right | {key: value}))
        with pytest.raises(ArchscopeError):
            load_generator(path.parent)


@pytest.mark.parametrize("key", [None, "format", "name", "fingerprint", "recipe", "simulated", "blocks"])
def test_a_datasets_manifest_of_wrong_types(root: Path, key: str | None) -> None:
    path = root / "datasets/demo/manifest.json"
    right = json.loads(path.read_text())
    for value in WRONG:
        if (key, type(value)) in (("simulated", bool), ("recipe", dict), ("name", str), ("fingerprint", str)):
            continue  # of the right type
        path.write_text(json.dumps(value if key is None else right | {key: value}))
        with pytest.raises(StoreError, match="demo"):
            StoredDataset(path.parent)


@pytest.mark.parametrize("key", [None, "kind", "dataset", "fingerprint", "created", "parameters"])
def test_a_runs_recipe_of_wrong_types(tmp_path: Path, key: str | None) -> None:
    store = RunStore(tmp_path)
    path = store.create("classifier", "demo", {}, "abc").path / "recipe.json"
    right = json.loads(path.read_text())
    for value in WRONG:
        if (key, type(value)) in (("parameters", dict), ("kind", str), ("dataset", str), ("fingerprint", str)):
            continue  # of the right type
        path.write_text(json.dumps(value if key is None else right | {key: value}))
        with pytest.raises(StoreError, match=r"recipe\.json"):
            _ = Run(path.parent).recipe


# -- the source ------------------------------------------------------------------------------------------------------

FORBIDDEN_MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "yaml"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_ATTRIBUTES = {
    "torch.load", "torch.jit.load", "torch.hub.load", "joblib.load", "pd.read_pickle", "pd.eval", "os.system",
    "os.popen", "yaml.load", "np.fromstring", "tempfile.mktemp", "skops.io.loads",
}  # fmt: skip
SOURCES = [
    *(path for folder in ("core", "pages", "scripts", "benchmarks") for path in (PROJECT / folder).rglob("*.py")),
    PROJECT / "app.py",
]


def forbidden(tree: ast.AST) -> list[str]:
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [each.name for each in node.names if each.name.split(".")[0] in FORBIDDEN_MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FORBIDDEN_MODULES:
            found.append(str(node.module))
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {each.arg: ast.unparse(each.value) for each in node.keywords}
            if name in FORBIDDEN_CALLS | FORBIDDEN_ATTRIBUTES:
                found.append(name)
            if given.get("allow_pickle", "False") != "False" or given.get("shell", "False") != "False":
                found.append(f"{name}({given})")
            if name.endswith(("cache_data", "cache_resource")) and given.get("persist"):
                found.append(f"{name}(persist)")  # Streamlit pickles what it keeps on disk
            if given.get("unsafe_allow_html", "False") != "False" or name in ("st.html", "components.html"):
                found.append(f"{name}: raw HTML")
    return found


def test_no_source_file_loads_in_an_unsafe_way() -> None:
    assert len(SOURCES) > 200
    wrong = {str(path.relative_to(PROJECT)): forbidden(ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCES}
    assert {path: what for path, what in wrong.items() if what} == {}


def test_the_look_at_the_source_finds_what_it_looks_for() -> None:
    text = """
import pickle
from joblib import load
np.load(path, allow_pickle=True)
torch.load(path)
eval(text)
subprocess.run(text, shell=True)
st.markdown(text, unsafe_allow_html=True)
@st.cache_data(persist="disk")
def f(): ...
"""
    assert len(forbidden(ast.parse(text))) == 8
    assert forbidden(ast.parse("import json\nmodel.eval()\nnp.load(path, allow_pickle=False)")) == []
