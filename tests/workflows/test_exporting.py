"""What leaves a dataset is what it holds: chosen biosamples, three kinds of values, all results by DuckDB."""

import json
from pathlib import Path

import duckdb
import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from core import workflows
from core.__main__ import main
from core.errors import NotFoundError, RecipeError
from core.sources.archs4 import Archs4File
from core.store.workspace import Workspace
from core.workflows import Choice


def _csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, index_col="gene").T


@pytest.fixture
def file_counts(demo_root: Path) -> pd.DataFrame:
    """Counts as the simulated ARCHS4 file itself has them, biosamples x Ensembl ids, by plain h5py."""
    manifest = json.loads((demo_root / "datasets" / "demo" / "manifest.json").read_text())
    with h5py.File(manifest["sources"]["counts"]) as file:
        ids = file["meta/genes/ensembl_gene_id"].asstr()[:]
        return pd.DataFrame(
            file["data/expression"][:].T, index=file["meta/samples/geo_accession"].asstr()[:], columns=ids
        )


def test_all_counts_are_those_of_the_file(workspace: Workspace, file_counts: pd.DataFrame, tmp_path: Path) -> None:
    done = workflows.export(workspace, "demo", Choice(), tmp_path / "all.csv")
    assert (done.n_biosamples, done.n_genes) == (320, 1000)
    found = _csv(tmp_path / "all.csv")
    np.testing.assert_array_equal(found.to_numpy(), file_counts.loc[found.index, found.columns].to_numpy())


def test_a_list_keeps_its_order(workspace: Workspace, file_counts: pd.DataFrame, tmp_path: Path) -> None:
    ids = workspace.dataset("demo").biosamples["sample_id"].iloc[[40, 3, 311, 3]].to_list()
    workflows.export(workspace, "demo", Choice(ids), tmp_path / "some.h5")
    with Archs4File(tmp_path / "some.h5") as file:
        assert file.biosamples["sample_id"].to_list() == ids[:3]
        genes = file.genes["ensembl_gene_id"]
        np.testing.assert_array_equal(file.read(slice(None)), file_counts.loc[ids[:3], genes].to_numpy())
        assert file.simulated


def test_a_label_and_a_neighbourhood(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.dataset("demo")
    workflows.export(workspace, "demo", Choice(label="brain"), tmp_path / "b.csv")
    carries = dataset.biosamples["labels"].str.split("|").map(lambda names: "brain" in names)
    assert _csv(tmp_path / "b.csv").index.to_list() == dataset.biosamples.loc[carries, "sample_id"].to_list()
    view = workflows.neighbourhood(workspace, "demo", "GFAP")
    workflows.export(workspace, "demo", Choice(gene="GFAP"), tmp_path / "n.csv")
    by_position = view.members.sort_values("position")["sample_id"]
    assert _csv(tmp_path / "n.csv").index.to_list() == by_position.to_list()
    workflows.export(workspace, "demo", Choice(gene="GFAP", limit=3), tmp_path / "l.csv")
    assert _csv(tmp_path / "l.csv").index.to_list() == by_position.to_list()[:3]


def test_normalised_values_are_the_target_at_their_rank(
    workspace: Workspace, file_counts: pd.DataFrame, tmp_path: Path
) -> None:
    dataset = workspace.dataset("demo")
    workflows.export(workspace, "demo", Choice(limit=4), tmp_path / "q.csv", "normalised")
    q = _csv(tmp_path / "q.csv")
    for sample in q.index:
        x = np.log2(1 + file_counts.loc[sample, q.columns].to_numpy(dtype=float))
        alone = pd.Series(x).value_counts().loc[x].to_numpy() == 1  # ties share a value, by a rule tested elsewhere
        expected = dataset.target[np.argsort(np.argsort(x))]
        np.testing.assert_allclose(q.loc[sample].to_numpy()[alone], expected[alone], rtol=1e-5)
        assert alone.sum() > 50


def test_expression_is_normalised_by_length(workspace: Workspace, tmp_path: Path) -> None:
    for values in ("normalised", "expression"):
        workflows.export(workspace, "demo", Choice(limit=5), tmp_path / f"{values}.csv", values)
    q, y = _csv(tmp_path / "normalised.csv"), _csv(tmp_path / "expression.csv")
    lengths = workspace.dataset("demo").genes.set_index("ensembl_gene_id")["length_bp"]
    assert y.columns.to_list() == lengths.index[lengths.notna()].to_list()
    np.testing.assert_allclose(y, q[y.columns] / (lengths[y.columns].to_numpy() / 1000), rtol=1e-5)


def test_bytes_for_a_cart(workspace: Workspace, tmp_path: Path) -> None:
    ids = workspace.dataset("demo").biosamples["sample_id"].iloc[[5, 2]].to_list()
    for suffix in (".h5", ".csv", ".parquet", ".h5ad", ".gct"):
        path = tmp_path / f"out{suffix}"
        workflows.export(workspace, "demo", Choice(ids), path)
        content = workflows.export_biosamples(workspace, "demo", ids, suffix)
        if suffix in (".csv", ".gct"):
            assert content == path.read_bytes()
        else:  # they name the moment that they were written
            assert content[:4] == path.read_bytes()[:4] and abs(len(content) - path.stat().st_size) < 64
    about = json.loads(pq.read_schema(tmp_path / "out.parquet").metadata[b"archscope"])
    assert about["fingerprint"] == workspace.dataset("demo").fingerprint and about["simulated"] == "yes"


@pytest.mark.parametrize(
    ("what", "name", "values", "message"),
    [
        (Choice(["nobody", "DEMO00001"]), "a.csv", "counts", "lacks 1 of 2 biosamples .nobody."),
        (Choice([]), "a.csv", "counts", "No biosample is chosen"),
        (Choice(label="moon"), "a.csv", "counts", "has the label 'moon'"),
        (Choice(gene="NOPE"), "a.csv", "counts", "no gene 'NOPE'"),
        (Choice(label="brain", gene="GFAP"), "a.csv", "counts", "not by several"),
        (Choice(limit=0), "a.csv", "counts", "A limit of 0"),
        (Choice(), "a.txt", "counts", "end it in .h5, .h5ad, .parquet, .csv, .gct or .duckdb"),
        (Choice(), "a.csv", "tpm", "'tpm' is no kind of values"),
        (Choice(), "a.h5", "expression", "An ARCHS4 .h5 file holds counts"),
        (Choice(label="brain"), "a.duckdb", "counts", "leave the choice of biosamples out"),
    ],
)
def test_mistakes(workspace: Workspace, tmp_path: Path, what: Choice, name: str, values: str, message: str) -> None:
    with pytest.raises((NotFoundError, RecipeError), match=message):
        workflows.export(workspace, "demo", what, tmp_path / name, values)
    assert not list(tmp_path.iterdir())


def test_the_duckdb_file_holds_the_results(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.dataset("demo")
    workflows.export(workspace, "demo", Choice(), tmp_path / "r.duckdb")
    with duckdb.connect(str(tmp_path / "r.duckdb"), read_only=True) as found:
        pd.testing.assert_frame_equal(found.table("rankings").df(), dataset.rankings, check_dtype=False)
        assert found.table("biosamples").df()["labels"].to_list() == dataset.biosamples["labels"].to_list()
        assert found.table("labels").count("*").fetchall() == [(len(dataset.labels),)]
        row = dataset.gene("GFAP")
        members = found.execute("SELECT sample_id FROM neighbourhoods WHERE symbol = 'GFAP' ORDER BY rank").fetchall()
        ids = dataset.biosamples["sample_id"].to_numpy()
        assert [name for (name,) in members] == ids[np.asarray(dataset.members[row])].tolist()
        about = dict(found.table("about").fetchall())
        assert about["fingerprint"] == dataset.fingerprint and about["unit"] == dataset.unit
        run = workspace.active(dataset, "classifier")
        assert found.execute("SELECT id FROM runs WHERE kind = 'classifier' AND in_use").fetchall() == [(run.id,)]
        score = found.execute(
            "SELECT value FROM scores WHERE run = ? AND metric = 'splits.random.model.samples_f1'", [run.id]
        ).fetchall()
        assert score == [(run.result["metrics"]["splits"]["random"]["model"]["samples_f1"],)]


def test_the_command(demo_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = tmp_path / "list.tsv"
    listed.write_text("sample_id\tnote\n# chosen by hand\nDEMO00007\tx\n\nDEMO00002\n")
    out = tmp_path / "a.csv"
    command = ["--data-dir", str(demo_root), "export", "demo", "--out", str(out), "--samples", str(listed)]
    assert main(command) == 0
    assert "Wrote 2 biosamples x 1,000 genes (counts)" in capsys.readouterr().out
    assert _csv(out).index.to_list() == ["DEMO00007", "DEMO00002"]
    assert main(command) == 2
    assert "is there already" in capsys.readouterr().err
    assert main([*command, "--force", "--limit", "1"]) == 0
    assert _csv(out).index.to_list() == ["DEMO00007"]
    listed.write_text("sample_id\n")
    assert main([*command, "--force"]) == 2
    assert "names no biosamples" in capsys.readouterr().err
    assert main(["gencode", "--organism", "mouse"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("M36,mouse,GRCm39,113,")


@pytest.mark.parametrize("suffix", [".h5", ".h5ad", ".parquet", ".csv", ".gct"])
def test_synthetic_samples_leave_the_same_way(workspace: Workspace, tmp_path: Path, suffix: str) -> None:
    run = workspace.active(workspace.dataset("demo"), "generator")
    made = workflows.synthesize(workspace, run.id, 3)
    path = tmp_path / f"s{suffix}"
    workflows.export_synthetic(workspace, run.id, made, path)
    read = {
        ".h5": lambda: h5py.File(path)["data/expression"][:].T,
        ".h5ad": lambda: np.bincount(h5py.File(path)["X/indices"][:], h5py.File(path)["X/data"][:], 1000),
        ".parquet": lambda: pd.read_parquet(path).iloc[:, 2:].to_numpy().T,
        ".csv": lambda: _csv(path).to_numpy(),
        ".gct": lambda: pd.read_csv(path, sep="\t", skiprows=2, index_col=0).iloc[-1000:, 2:].to_numpy().T,
    }[suffix]()  # fmt: skip
    expected = made.counts.sum(axis=0) if suffix == ".h5ad" else made.counts
    np.testing.assert_array_equal(np.asarray(read).astype(np.float64), expected)
    with pytest.raises(RecipeError, match="is there already"):
        workflows.export_synthetic(workspace, run.id, made, path)
    workflows.export_synthetic(workspace, run.id, made, path, force=True)
