"""Maps of all biosamples: made by a job or a command, kept, and open to biosamples that they were made without."""

import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

from core import workflows
from core.__main__ import main
from core.errors import NotFoundError, RecipeError
from core.store.workspace import Workspace
from core.types import silent
from core.workflows import projections


@pytest.fixture
def mine(demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "data")
    return Workspace(tmp_path / "data")


def run(workspace, method):
    parameters = workflows.projection_parameters(workspace, "demo", method)
    made = workspace.runs.create("projection", "demo", parameters, workspace.dataset("demo").fingerprint)
    workflows.perform(workspace, made, silent)
    return made


def test_the_map_by_pca_is_sklearns_of_the_most_variable_genes(workspace):
    dataset = workspace.dataset("demo")
    found = workflows.projection(workspace, "demo")
    q = dataset.profiles(slice(None)).astype(np.float64) * dataset.lengths
    top = np.argsort(-q.var(axis=0))[: projections.GENES]
    reference = PCA(n_components=2, svd_solver="full").fit_transform(q[:, np.sort(top)])
    for column, expected in zip(("x", "y"), reference.T, strict=True):
        assert abs(np.corrcoef(found[column], expected)[0, 1]) > 0.99999
    np.testing.assert_array_equal(found["x"], found["PC1"])
    assert found["share1"].iloc[0] > found["share2"].iloc[0] > 0


def test_a_job_makes_a_map_and_the_app_takes_it_in(mine):
    assert not workflows.is_ready(mine, "demo", "tsne")
    assert workflows.projection_job(mine, "demo", "tsne") is None
    made = run(mine, "tsne")
    assert made.result["metrics"] == {"method": "tsne", "biosamples": 320}
    other = Workspace(mine.root)  # the app, whose database the job has not seen
    assert workflows.projection_job(other, "demo", "tsne").id == made.id
    assert workflows.is_ready(other, "demo", "tsne")
    shutil.rmtree(made.path)  # from now on it is in the database
    found = workflows.projection(other, "demo", "tsne")
    assert found["sample_id"].tolist() == other.dataset("demo").biosamples["sample_id"].tolist()
    assert np.isfinite(found[["x", "y"]].to_numpy()).all()


def test_a_job_of_another_content_is_not_taken(mine):
    parameters = workflows.projection_parameters(mine, "demo", "tsne")
    made = mine.runs.create("projection", "demo", parameters, "another fingerprint")
    workflows.perform(mine, made, silent)
    assert not workflows.is_ready(Workspace(mine.root), "demo", "tsne")


def test_a_large_dataset_gives_a_part_and_keeps_whom_it_is_asked_for(workspace, monkeypatch):
    whole = workflows.projection(workspace, "demo").set_index("sample_id")
    monkeypatch.setitem(projections.MAP_LIMIT, "pca", 150)
    some = workflows.projection(workspace, "demo")
    assert len(some) == 150
    assert not some["placed"].any()
    absent = [sample_id for sample_id in whole.index if sample_id not in set(some["sample_id"])][:7]
    asked = (absent[0], some["sample_id"][3], *absent[1:])
    kept = workflows.projection(workspace, "demo", "pca", asked)
    assert len(kept) == 157
    assert set(kept.loc[kept["placed"], "sample_id"]) == set(absent)
    pd.testing.assert_frame_equal(kept.iloc[:150], some, check_dtype=False)
    both = kept.set_index("sample_id").join(whole[["x", "y"]].add_suffix("_whole"))
    far = both[["x_whole", "y_whole"]].std().mean()
    signs = np.sign([both["x"].corr(both["x_whole"]), both["y"].corr(both["y_whole"])])
    apart = both[["x", "y"]].to_numpy() * signs - both[["x_whole", "y_whole"]].to_numpy()
    assert np.abs(apart[-7:]).mean() < far  # the placed ones lie where the map of everybody has them
    with pytest.raises(NotFoundError, match="GSM0"):
        workflows.projection(workspace, "demo", "pca", ("GSM0",))


def test_a_map_by_neighbours_puts_further_biosamples_among_their_own(workspace, monkeypatch):
    monkeypatch.setitem(projections.MAP_LIMIT, "tsne", 200)
    labels = workspace.dataset("demo").biosamples.set_index("sample_id")["labels"]
    livers = tuple(labels.index[labels == "liver"])
    found = workflows.projection(workspace, "demo", "tsne", livers)
    put = found[found["placed"]]
    centres = found[~found["placed"] & (found["labels"] != "")].groupby("labels")[["x", "y"]].median()
    nearest = [((centres - row).pow(2).sum(axis=1)).idxmin() for row in put[["x", "y"]].to_numpy()]
    assert len(put) > 3
    assert np.mean([name in ("liver", "hepg2|liver") for name in nearest]) > 0.7


def test_a_lasso_takes_whoever_is_inside(workspace):
    points = workflows.projection(workspace, "demo")
    x0, x1 = points["x"].quantile([0.2, 0.6])
    low, high = points["y"].min() - 1, points["y"].max() + 1
    box = np.array([[x0, low], [x1, low], [x1, high], [x0, high]])
    assert (
        workflows.inside_lasso(points, box)["sample_id"].tolist()
        == points.loc[points["x"].between(x0, x1), "sample_id"].tolist()
    )


def test_only_a_small_map_by_pca_needs_no_job(workspace):
    assert workflows.is_quick(workspace, "demo", "pca")
    assert not workflows.is_quick(workspace, "demo", "umap")
    with pytest.raises(RecipeError, match="som"):
        workflows.projection_parameters(workspace, "demo", "som")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_command_writes_the_map(demo_root, tmp_path, workspace, capsys, ending):
    out = tmp_path / f"map.{ending}"
    assert main(["projection", "demo", "--out", str(out), "--data-dir", str(demo_root)]) == 0
    found = pd.read_csv(out) if ending == "csv" else pd.read_parquet(out)
    expected = workflows.projection(workspace, "demo")
    assert found["sample_id"].tolist() == expected["sample_id"].tolist()
    np.testing.assert_allclose(found["x"], expected["x"], rtol=1e-5)
    assert "320 biosamples" in capsys.readouterr().out


def test_the_command_refuses_a_file_that_it_cannot_write(demo_root, tmp_path, capsys):
    for out in (tmp_path / "map.txt", tmp_path / "nowhere" / "map.csv"):
        assert main(["projection", "demo", "--out", str(out), "--data-dir", str(demo_root)]) == 2
        assert ".csv or .parquet" in capsys.readouterr().err
