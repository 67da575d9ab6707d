"""What an upload is taken for, said in its notes, and what it becomes."""

import numpy as np
import pandas as pd
import pytest

from core import workflows
from core.errors import RecipeError, SampleFileError
from core.sources.matched import counts_of
from core.store.datasets import StoredDataset
from core.store.workspace import Workspace
from core.types import silent


@pytest.fixture(scope="module")
def real(real_data, tmp_path_factory) -> tuple[Workspace, StoredDataset]:
    """The real trial data as a dataset with lengths."""
    workspace = Workspace(tmp_path_factory.mktemp("real"))
    files = {"labels": real_data / "human_tissue_labels.tsv", "lengths": real_data / "gene_lengths.tsv"}
    workflows.build(workspace, workflows.BuildRequest(real_data / "human_tissue_counts.h5", "real", **files), silent)
    return workspace, workspace.dataset("real")


def table(dataset: StoredDataset, values: np.ndarray, names: list[str], keep=slice(None)) -> bytes:
    frame = pd.DataFrame(values.T, index=dataset.genes["ensembl_gene_id"].to_numpy(), columns=names)
    return frame.iloc[keep].to_csv(index_label="gene").encode()


def some(dataset: StoredDataset, rows: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Counts and TPM of biosamples."""
    counts = dataset.counts(rows).astype(np.float64)
    rate = counts / dataset.genes["length_bp"].to_numpy()
    return counts, 1e6 * rate / rate.sum(axis=1, keepdims=True)


def order(values: np.ndarray) -> np.ndarray:
    return np.argsort(values, axis=1, kind="stable")


@pytest.mark.real
def test_tpm_comes_back_in_the_order_of_counts(real) -> None:
    workspace, dataset = real
    counts, tpm = some(dataset, [3, 300])
    matched = workflows.read_upload(workspace, "real", table(dataset, tpm, ["a", "b"]), "tpm.csv")
    assert [measure.words for measure in matched.measures] == ["TPM", "TPM"]
    assert "all 2 samples were taken as TPM and multiplied by gene length" in matched.notes[0]
    found = counts_of(matched)
    scale = found.sum(axis=1, keepdims=True) / counts.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found / scale, counts, rtol=1e-5, atol=1e-3)


@pytest.mark.real
def test_a_mixed_matrix_is_told_sample_by_sample_in_one_note_each(real) -> None:
    workspace, dataset = real
    counts, tpm = some(dataset, [3, 300, 450])
    values = np.concatenate([counts, tpm, np.log2(1 + tpm), 1e6 * counts / counts.sum(axis=1, keepdims=True)])
    names = [f"{kind}{i}" for kind in ("counts", "tpm", "log", "cpm") for i in range(3)]
    matched = workflows.read_upload(workspace, "real", table(dataset, values, names), "mixed.csv")
    words = [measure.words for measure in matched.measures]
    assert words == ["counts"] * 3 + ["TPM"] * 3 + ["log2(x + 1) of TPM"] * 3 + ["CPM"] * 3
    assert len(matched.notes) == 4
    assert any("3 of 12 samples (tpm0, tpm1, tpm2) were taken as TPM" in note for note in matched.notes)
    found = counts_of(matched)
    for kind in range(4):
        rows = found[3 * kind : 3 * kind + 3]
        correlation = [np.corrcoef(np.log1p(a), np.log1p(b))[0, 1] for a, b in zip(rows, counts, strict=True)]
        assert min(correlation) > 0.9


@pytest.mark.real
def test_what_the_user_says_of_the_values_wins(real) -> None:
    workspace, dataset = real
    counts, tpm = some(dataset, [3])
    upload = table(dataset, tpm, ["a"])
    as_counts = workflows.read_upload(workspace, "real", upload, "a.csv", "counts")
    assert not as_counts.measures[0].per_length and "as was asked for" in as_counts.notes[0]
    as_tpm = workflows.read_upload(workspace, "real", table(dataset, tpm.round(), ["a"]), "a.csv", "tpm")
    assert as_tpm.measures[0].per_length
    rounded = workflows.read_upload(workspace, "real", table(dataset, tpm.round(), ["a"]), "a.csv")
    assert rounded.measures[0].words == "counts" and "add up to a million" in rounded.notes[0]
    whole = workflows.read_upload(workspace, "real", table(dataset, counts, ["a"]), "a.csv")
    assert whole.notes == ["The values are whole numbers: they were taken as counts."]
    with pytest.raises(RecipeError, match="units is 'fpkm': give auto, counts or tpm"):
        workflows.read_upload(workspace, "real", upload, "a.csv", "fpkm")


@pytest.mark.real
def test_a_file_of_expressed_genes_alone_has_zeros_elsewhere(real) -> None:
    workspace, dataset = real
    counts, _ = some(dataset, [3])
    expressed = np.flatnonzero(counts[0])
    matched = workflows.read_upload(workspace, "real", table(dataset, counts, ["a"], expressed), "a.csv")
    assert matched.rest_is_zero and "taken as 0" in matched.notes[-1]
    np.testing.assert_array_equal(counts_of(matched), counts)
    rng = np.random.default_rng(1)
    lost = expressed[rng.random(len(expressed)) > 0.3]
    for keep in (lost, np.sort(rng.permutation(len(counts[0]))[:12000])):
        matched = workflows.read_upload(workspace, "real", table(dataset, counts, ["a"], keep), "a.csv")
        assert not matched.rest_is_zero and "genes are not in the file" in matched.notes[-1]
        assert np.isnan(counts_of(matched)).sum() == len(counts[0]) - len(keep)


@pytest.mark.real
def test_a_matrix_that_lacks_genes_never_has_them_as_zeros(real) -> None:
    workspace, dataset = real
    counts, _ = some(dataset, [3, 300])
    in_both = np.flatnonzero(counts.all(axis=0))
    matched = workflows.read_upload(workspace, "real", table(dataset, counts, ["a", "b"], in_both), "a.csv")
    assert not matched.rest_is_zero


@pytest.mark.real
def test_unknown_lengths_count_as_missing(real, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, dataset = real
    _, tpm = some(dataset, [3])
    monkeypatch.setitem(dataset.genes, "length_bp", dataset.genes["length_bp"].where(dataset.genes.index % 10 != 0))
    monkeypatch.setattr(Workspace, "dataset", lambda self, name: dataset)
    matched = workflows.read_upload(workspace, "real", table(dataset, tpm, ["a"]), "a.csv")
    assert any("1,749 of the genes found have no known length" in note for note in matched.notes)
    assert np.isnan(counts_of(matched)).sum() == 1749


@pytest.mark.real
def test_without_spliced_lengths_tpm_are_ranked_as_they_are(real, real_data, tmp_path) -> None:
    _, dataset = real
    workspace = Workspace(tmp_path)
    request = workflows.BuildRequest(real_data / "human_tissue_counts.h5", "bare", length_measure="none")
    workflows.build(workspace, request, silent)
    _, tpm = some(dataset, [3])
    for units in ("auto", "tpm"):
        matched = workflows.read_upload(workspace, "bare", table(dataset, tpm, ["a"]), "a.csv", units)
        assert any("cannot be turned back" in note for note in matched.notes)
        assert not any("multiplied" in note for note in matched.notes)
        np.testing.assert_array_equal(order(counts_of(matched)), order(tpm.astype(np.float32)))


def test_values_unlike_any_expression_are_noted(workspace: Workspace) -> None:
    dataset = workspace.dataset("demo")
    noise = np.random.default_rng(1).lognormal(3, 2, (1, len(dataset.genes)))
    matched = workflows.read_upload(workspace, "demo", table(dataset, noise, ["a"]), "a.csv")
    assert any("unlike that of any biosample" in note for note in matched.notes)


def test_few_genes_cannot_tell_the_unit(workspace: Workspace) -> None:
    matched = workflows.read_upload(workspace, "demo", b"gene,a\nGFAP,35.5\nMBP,1.25\nALB,0.5\n", "a.csv")
    assert "The values were taken as values of an unknown unit: too few genes are known to tell it." in matched.notes
    assert not matched.measures[0].per_length


def test_a_mouse_file_is_refused_though_names_match(workspace: Workspace) -> None:
    symbols = [symbol.capitalize() for symbol in workspace.dataset("demo").genes["symbol"].unique()[:200]]
    text = "gene,a\n" + "".join(f"{symbol},3\n" for symbol in [*symbols, "HBB", "MBP"])
    with pytest.raises(SampleFileError, match=r"look like mouse .*but the dataset is of human"):
        workflows.read_upload(workspace, "demo", text.encode(), "m.csv")
