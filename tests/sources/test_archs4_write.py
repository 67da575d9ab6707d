"""What is written reads back the same, through the reader and through plain h5py."""

from pathlib import Path

import h5py
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.extra.numpy import arrays

from core.sources.archs4 import Archs4File, write_archs4
from tests.sources.conftest import counts_of

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8).map(lambda s: " ".join(s.split()))


@st.composite
def _dataset(draw: st.DrawFn) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
    n, n_genes = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    texts = st.lists(_TEXT, min_size=n_genes, max_size=n_genes)
    genes = pd.DataFrame(
        {"symbol": [f"G{i}" for i in range(n_genes)], "ensembl_gene_id": draw(texts), "biotype": draw(texts)}
    )
    texts = st.lists(_TEXT, min_size=n, max_size=n)
    numbers = st.lists(st.floats(0, 1e9) | st.just(np.nan), min_size=n, max_size=n)
    biosamples = pd.DataFrame({
        "sample_id": [f"GSM{i}" for i in range(n)], "series_id": draw(texts), "title": draw(texts),
        "source_name_ch1": draw(texts), "characteristics_ch1": draw(texts),
        "singlecellprobability": draw(numbers), "alignedreads": draw(numbers),
    })  # fmt: skip
    return draw(arrays(np.uint32, (n, n_genes))), genes, biosamples


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_dataset())
def test_round_trip(tmp_path: Path, dataset: tuple[np.ndarray, pd.DataFrame, pd.DataFrame]) -> None:
    counts, genes, biosamples = dataset
    write_archs4(tmp_path / "a.h5", counts, genes, biosamples, {"version": "2.9", "organism": "human"})
    with Archs4File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file.read(slice(None)), counts)
        pd.testing.assert_frame_equal(file.genes, genes, check_dtype=False)
        pd.testing.assert_frame_equal(file.biosamples, biosamples, check_dtype=False)
        assert (file.layout, file.version, file.organism) == ("v2", "2.9", "human")


def test_the_file_has_the_published_layout(tmp_path: Path) -> None:
    counts = counts_of(3, 2500)
    genes = pd.DataFrame({"symbol": [f"G{i}" for i in range(2500)]})
    biosamples = pd.DataFrame(
        {"sample_id": ["a", "b", "c"], "label": ["brain", None, "liver"], "novelty": [0.1, 0.2, 0.3]}
    )
    write_archs4(tmp_path / "a.h5", counts, genes, biosamples, {"note": "synthetic"})
    with h5py.File(tmp_path / "a.h5") as file:
        expression = file["data/expression"]
        assert (expression.shape, expression.dtype) == ((2500, 3), np.uint32)
        assert (expression.chunks, expression.compression) == ((2000, 1), "gzip")
        np.testing.assert_array_equal(expression[:], counts.T)
        assert set(file["meta/genes"]) == {"symbol", "ensembl_gene_id", "biotype"}
        assert set(file["meta/samples"]) == {
            "geo_accession", "series_id", "title", "source_name_ch1", "characteristics_ch1", "singlecellprobability",
            "alignedreads", "label", "novelty",
        }  # fmt: skip
        assert list(file["meta/samples/label"].asstr()[:]) == ["brain", "", "liver"]
        assert list(file["meta/samples/novelty"][:]) == [0.1, 0.2, 0.3]
        assert file["meta/info/note"][()] == b"synthetic"
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(b"old")
    genes = pd.DataFrame({"symbol": ["no \0 allowed"]})
    with pytest.raises(ValueError, match="NULL"):
        write_archs4(path, counts_of(1, 1), genes, pd.DataFrame({"sample_id": ["a"]}), {})
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_sizes_and_types_must_agree(tmp_path: Path) -> None:
    genes, biosamples = pd.DataFrame({"symbol": ["A", "B"]}), pd.DataFrame({"sample_id": ["x"]})
    with pytest.raises(ValueError, match="uint32"):
        write_archs4(tmp_path / "a.h5", np.zeros((1, 2)), genes, biosamples, {})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1 biosamples, 2 genes"):
        write_archs4(tmp_path / "a.h5", counts_of(2, 2), genes, biosamples, {})
    assert not list(tmp_path.iterdir())
