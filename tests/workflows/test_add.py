"""Biosamples added to a dataset, against a build from all of them at once."""

import signal
import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest

from core.errors import CountsFileError, LabelsError, NotFoundError
from core.settings import PROJECT
from core.sources.archs4 import Archs4File, write_archs4
from core.store.workspace import Workspace
from core.workflows import AddRequest, BuildRequest, add, build, create_demo
from tests.workflows.test_build_anyhow import same

INFO = {"version": "2.5", "organism": "Homo sapiens", "simulated": "yes"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The demo's file in two overlapping parts, the second with its genes in another order and one gene more."""
    root = tmp_path_factory.mktemp("demo")
    create_demo(Workspace(root), n_biosamples=300, n_genes=1000)
    folder = root / "demo"
    labels = pd.read_csv(folder / "demo_labels.tsv", sep="\t")
    with Archs4File(folder / "demo.h5") as file:
        counts, genes, biosamples = file.read(slice(None)), file.genes, file.biosamples
    order = np.random.default_rng(4).permutation(len(genes))
    extra = pd.DataFrame({"symbol": ["NEW1"], "ensembl_gene_id": ["ENSG99999999999"], "biotype": ["lncRNA"]})
    for name, rows in {"first": slice(0, 200), "second": slice(150, None)}.items():
        part, of = counts[rows], genes
        if name == "second":
            part = np.column_stack([part[:, order], np.full(len(part), 7, dtype=np.uint32)])
            of = pd.concat([genes.iloc[order], extra], ignore_index=True)
        write_archs4(folder / f"{name}.h5", part, of, biosamples.iloc[rows], INFO)
        inside = labels["sample_id"].isin(biosamples["sample_id"].iloc[rows])
        labels[inside].to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    return folder


def first(files, root):
    build(Workspace(root), BuildRequest(files / "first.h5", "mine", files / "first.tsv", files / "demo_lengths.tsv"))
    return Workspace(root).dataset("mine")


def values(dataset):
    arrays = [dataset.counts(slice(None)), dataset.expression(slice(None)), dataset.members, dataset.target]
    return [*map(np.asarray, arrays), dataset.norms, *dataset.medians], dataset.rankings, dataset.biosamples


def test_with_a_moving_target_it_is_the_build_from_all_at_once(files, tmp_path):
    before = first(files, tmp_path / "steps")
    outcome = add(Workspace(tmp_path / "steps"), AddRequest("mine", files / "second.h5", files / "second.tsv"))
    request = BuildRequest(files / "demo.h5", "mine", files / "demo_labels.tsv", files / "demo_lengths.tsv")
    build(Workspace(tmp_path / "once"), request)
    found, expected = (Workspace(tmp_path / name).dataset("mine") for name in ("steps", "once"))
    same(values(found), values(expected))
    pairs = [set(zip(d.labels["sample_id"], d.labels["label"], strict=True)) for d in (found, expected)]
    assert pairs[0] == pairs[1]
    for key in ("n_biosamples", "n_labels", "n_labelled", "n_series", "depth", "zero_share", "random_cosine"):
        assert found.manifest[key] == expected.manifest[key]
    assert found.fingerprint not in (before.fingerprint, expected.fingerprint)
    assert "The target moved" in outcome.warnings[-1]
    assert len(found.manifest["added"]) == 1


def test_with_a_kept_target_what_was_normalised_stays(files, tmp_path):
    before = first(files, tmp_path)
    target, y, n = before.target, before.expression(slice(None)), before.blocks[-1]
    outcome = add(Workspace(tmp_path), AddRequest("mine", files / "second.h5", keep_target=True))
    after = Workspace(tmp_path).dataset("mine")
    np.testing.assert_array_equal(after.target, target)
    np.testing.assert_array_equal(after.expression(slice(None))[:, :n], y)
    np.testing.assert_array_equal(after.expression(slice(None)).T, after.profiles(slice(None)))
    assert after.blocks[-1] > n
    assert "a build from all at once would differ" in outcome.warnings[-1]
    np.testing.assert_allclose(
        after.rankings["p95"], np.percentile(after.expression(slice(None)), 95, axis=1), rtol=1e-5
    )
    assert after.recipe["target_of"] == before.fingerprint


def test_a_kept_target_can_move_later(files, tmp_path):
    first(files, tmp_path)
    with Archs4File(files / "demo.h5") as file:
        ids = file.biosamples["sample_id"]
        for name, rows in (("a", slice(200, 250)), ("b", slice(250, None))):
            write_archs4(tmp_path / f"{name}.h5", file.read(rows), file.genes, file.biosamples.iloc[rows], INFO)
    add(Workspace(tmp_path), AddRequest("mine", tmp_path / "a.h5", keep_target=True))
    add(Workspace(tmp_path), AddRequest("mine", tmp_path / "b.h5", files / "demo_labels.tsv"))
    build(
        Workspace(tmp_path / "once"),
        BuildRequest(files / "demo.h5", "mine", files / "demo_labels.tsv", files / "demo_lengths.tsv"),
    )
    found = Workspace(tmp_path).dataset("mine")
    same(values(found), values(Workspace(tmp_path / "once").dataset("mine")))
    assert "target_of" not in found.recipe
    assert [added["n_biosamples"] for added in found.manifest["added"]] == [
        ids.iloc[200:250].isin(found.biosamples["sample_id"]).sum(),
        ids.iloc[250:].isin(found.biosamples["sample_id"]).sum(),
    ]


def test_nothing_new_changes_nothing(files, tmp_path):
    before = first(files, tmp_path)
    outcome = add(Workspace(tmp_path), AddRequest("mine", files / "first.h5"))
    assert outcome.cached
    assert "already" in outcome.warnings[0]
    assert Workspace(tmp_path).dataset("mine").manifest == before.manifest


def test_an_addition_that_was_killed_goes_on(files, tmp_path):
    first(files, tmp_path)
    code = """
import os, signal, sys
from pathlib import Path
from core.store.workspace import Workspace
from core.workflows import AddRequest, add
def progress(stage, done, total, **values):
    if stage == "measuring genes":
        os.kill(os.getpid(), signal.SIGKILL)
add(Workspace(Path(sys.argv[1])), AddRequest("mine", Path(sys.argv[2])), progress)
"""
    command = [sys.executable, "-c", code, str(tmp_path), str(files / "second.h5")]
    assert subprocess.run(command, cwd=PROJECT, check=False).returncode == -signal.SIGKILL
    assert Workspace(tmp_path).dataset("mine").blocks[-1] < 200, "the dataset is as it was"
    left = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("datasets/.mine.building/expression/*.tiles")}
    assert left
    add(Workspace(tmp_path), AddRequest("mine", files / "second.h5"))
    now = tmp_path / "datasets" / "mine" / "expression"
    assert {name: (now / name).stat().st_mtime_ns for name in left} == left


def changed(files, tmp_path, genes=None, **info):
    with Archs4File(files / "second.h5") as file:
        kept = slice(None) if genes is None else np.flatnonzero(~file.genes["symbol"].isin(genes))
        write_archs4(
            tmp_path / "other.h5", np.ascontiguousarray(file.read(slice(None))[:, kept]), file.genes.iloc[kept],
            file.biosamples, {**INFO, **info},
        )  # fmt: skip
    return tmp_path / "other.h5"


def test_files_that_do_not_go_with_the_dataset(files, tmp_path):
    before = first(files, tmp_path)
    workspace = Workspace(tmp_path)
    with pytest.raises(CountsFileError, match=r"lacks 2 of the .* genes .*\((ALB|GFAP)"):
        add(workspace, AddRequest("mine", changed(files, tmp_path, ["ALB", "GFAP"])))
    with pytest.raises(CountsFileError, match="is of Mus musculus, but dataset 'mine' is of Homo sapiens"):
        add(workspace, AddRequest("mine", changed(files, tmp_path, organism="Mus musculus")))
    real = changed(files, tmp_path)
    with h5py.File(real, "r+") as file:
        del file["meta/info/simulated"]
    with pytest.raises(CountsFileError, match="holds measured biosamples"):
        add(workspace, AddRequest("mine", real))
    with pytest.raises(NotFoundError, match="no file"):
        add(workspace, AddRequest("mine", tmp_path / "nowhere.h5"))
    with pytest.raises(NotFoundError, match="no dataset"):
        add(workspace, AddRequest("nowhere", files / "second.h5"))
    (tmp_path / "labels.tsv").write_text("sample_id\tlabel\nGSM0\tbrain\n")
    with pytest.raises(LabelsError, match="GSM0"):
        add(workspace, AddRequest("mine", files / "second.h5", tmp_path / "labels.tsv"))
    assert workspace.dataset("mine").manifest == before.manifest
    assert not list((tmp_path / "datasets").glob(".*"))


def test_repeated_genes_kept_apart_need_the_very_same_genes(files, tmp_path):
    paths = (files / "first.h5", "mine", files / "first.tsv", files / "demo_lengths.tsv")
    build(Workspace(tmp_path), BuildRequest(*paths, repeated_genes="keep"))
    with pytest.raises(CountsFileError, match="same genes in the same order"):
        add(Workspace(tmp_path), AddRequest("mine", files / "second.h5"))
    add(Workspace(tmp_path), AddRequest("mine", files / "demo.h5", files / "demo_labels.tsv"))
    everything = (files / "demo.h5", "mine", files / "demo_labels.tsv", files / "demo_lengths.tsv")
    build(Workspace(tmp_path / "once"), BuildRequest(*everything, repeated_genes="keep"))
    found, expected = (Workspace(root).dataset("mine") for root in (tmp_path, tmp_path / "once"))
    same(values(found), values(expected))
