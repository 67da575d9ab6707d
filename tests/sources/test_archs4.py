"""Every generation of ARCHS4 files, and every way in which one can be unusable."""

import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from core.errors import CountsFileError, SampleFileError
from core.sources.archs4 import Archs4File
from core.sources.sample_files import read_samples
from core.types import BIOSAMPLE_COLUMNS, GENE_COLUMNS
from tests.sources.conftest import ENSEMBL, SYMBOLS, VARIANTS, MakeH5, counts_of

LAYOUT = {"v1 flat": "v1 flat", "v1 nested": "v1 nested"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_layouts(make_h5: MakeH5, variant: str) -> None:
    with Archs4File(make_h5(variant)) as file:
        assert file.layout == LAYOUT.get(variant, "v2")
        assert file.shape == (5, 12)
        counts = file.read(slice(None))
        assert counts.dtype == np.uint32 and counts.flags.c_contiguous
        np.testing.assert_array_equal(counts, counts_of(5, 12))
        assert tuple(file.genes.columns) == GENE_COLUMNS
        assert tuple(file.biosamples.columns) == BIOSAMPLE_COLUMNS
        assert file.genes["symbol"].to_list() == SYMBOLS
        assert file.biosamples["sample_id"].to_list() == ["GSM1", "GSM2", "GSM3", "GSM4", "GSM5"]
        assert file.biosamples["series_id"].to_list() == ["GSE0", "GSE0", "GSE1", "GSE1", "GSE2"]
        assert file.biosamples["title"][4] == "Gehirn Nº 4"
        assert file.biosamples["characteristics_ch1"][0] == "tissue: brain,age: 5"
        assert file.organism == "Homo sapiens"


@pytest.mark.parametrize("variant", VARIANTS)
def test_fields_that_a_generation_lacks_are_blank(make_h5: MakeH5, variant: str) -> None:
    with Archs4File(make_h5(variant)) as file:
        has_ensembl = variant not in ("v1 flat", "v2.1")
        assert file.genes["ensembl_gene_id"].to_list() == (ENSEMBL if has_ensembl else [""] * 12)
        has_biotype = variant in ("v1 nested", "v2.2")
        assert file.genes["biotype"].to_list() == ["protein_coding" if has_biotype else ""] * 12
        expected = [np.nan] * 5 if variant == "v2.5" else [100, 101, 102, 103, 104]
        np.testing.assert_array_equal(file.biosamples["alignedreads"], expected)
        expected = [np.nan] * 5 if variant == "v1 flat" else [0, 0.25, 0.5, 0.75, 1]
        np.testing.assert_array_equal(file.biosamples["singlecellprobability"], expected)
    version = {"v1 flat": "7", "v1 nested": "11", "v2.1": "2.1.2"}.get(variant)
    assert file.version == version


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_square_matrix_has_the_orientation_of_its_layout(make_h5: MakeH5, variant: str) -> None:
    with Archs4File(make_h5(variant, n=6, n_genes=6)) as file:
        np.testing.assert_array_equal(file.read(slice(None)), counts_of(6, 6))


@pytest.mark.parametrize("variant", ["v1 flat", "v2.6"])
def test_the_other_orientation_is_found_by_shape(make_h5: MakeH5, variant: str) -> None:
    stored = counts_of(5, 12).T if variant == "v1 flat" else counts_of(5, 12)
    with Archs4File(make_h5(variant, stored=stored)) as file:
        np.testing.assert_array_equal(file.read(slice(None)), counts_of(5, 12))


@pytest.mark.parametrize("chunks", [None, (4, 1), (4, 2), (12, 5)])
@pytest.mark.parametrize("rows", [[3], [4, 0, 2], [2, 2, 0], [], [0, 1, 2, 3, 4]])
def test_rows_come_in_the_order_asked_for(make_h5: MakeH5, rows: list[int], chunks: Any) -> None:
    with Archs4File(make_h5(chunks=chunks)) as file:
        np.testing.assert_array_equal(file.read(np.array(rows, dtype=np.intp)), counts_of(5, 12)[rows])


def test_slices_and_rows_outside(make_h5: MakeH5) -> None:
    with Archs4File(make_h5()) as file:
        np.testing.assert_array_equal(file.read(slice(1, 4)), counts_of(5, 12)[1:4])
        with pytest.raises(IndexError, match="between 0 and 4"):
            file.read(np.array([5]))
        with pytest.raises(IndexError, match="between 0 and 4"):
            file.read(np.array([-1]))


@pytest.mark.parametrize("dtype", ["int16", ">u4", "int64", "uint64", "float32", "float64"])
def test_other_number_types_are_read(make_h5: MakeH5, dtype: str) -> None:
    with Archs4File(make_h5(stored=counts_of(5, 12).T.astype(dtype))) as file:
        counts = file.read(slice(None))
        assert counts.dtype == np.uint32
        np.testing.assert_array_equal(counts, counts_of(5, 12))


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("int32", -1), ("int64", 2**32), ("uint64", 2**40), ("float32", 2.0**32), ("float64", 1.5), ("float64", -2.0),
     ("float32", np.nan), ("float64", np.inf)],
)  # fmt: skip
def test_values_that_are_no_counts(make_h5: MakeH5, dtype: str, value: float) -> None:
    stored = counts_of(5, 12).T.astype(dtype)
    stored[4, 2] = value
    with Archs4File(make_h5(stored=stored)) as file:
        file.read(np.array([0, 1, 3, 4]))  # the others are fine
        with pytest.raises(CountsFileError, match=r"human\.h5: data/expression holds .* biosample GSM3, gene GFAP"):
            file.read(np.array([4, 2]))


def test_plugin_filters_are_read(make_h5: MakeH5) -> None:
    import hdf5plugin

    with Archs4File(make_h5(chunks=(12, 5), **hdf5plugin.Zstd())) as file:
        np.testing.assert_array_equal(file.read(slice(None)), counts_of(5, 12))


def _fails(path: Path, message: str) -> None:
    with pytest.raises(CountsFileError, match=message) as caught:
        Archs4File(path)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"meta/samples/geo_accession": list("abcdef")}, "has 5 values but meta/samples/geo_accession has 6"),
        ({"meta/genes/symbol": SYMBOLS[:11]}, "meta/genes/ensembl_gene has 12 values but meta/genes/symbol has 11"),
        ({"meta/genes/symbol": SYMBOLS[:3], "meta/genes/ensembl_gene": None},
         r"is 12 x 5, but the metadata name 3 genes and 5 biosamples: expected 3 x 5 or 5 x 3"),
        ({"meta/samples/geo_accession": ["a", "b", "", "d", "e"]}, "1 biosamples have no id, the first at position 2"),
        ({"meta/samples/geo_accession": ["a", "b", "a", "b", "e"]}, r"2 biosample ids are repeated \(a, b\)"),
        ({"meta/samples/geo_accession": None}, "names no biosamples: expected meta/samples/geo_accession"),
        ({"meta/genes/symbol": None, "meta/genes/ensembl_gene": None}, "its layout is unknown: of metadata it has"),
        ({"meta/genes/symbol": [""] * 12, "meta/genes/ensembl_gene": None}, "every gene name in meta/genes is blank"),
        ({"meta/genes/symbol": np.zeros((3, 4))}, "meta/genes/symbol must be a list"),
    ],
)  # fmt: skip
def test_metadata_that_does_not_fit(make_h5: MakeH5, change: dict[str, Any], message: str) -> None:
    _fails(make_h5(change=change), message)


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (np.zeros((0, 0), np.uint32), "data/expression is empty or no matrix"),
        (np.zeros(60, np.uint32), "data/expression is empty or no matrix"),
        (np.full((12, 5), b"7"), "counts must be numbers"),
        (np.zeros((11, 5), np.uint32), "is 11 x 5, but the metadata name 12 genes and 5 biosamples"),
    ],
)
def test_expression_that_is_no_matrix_of_counts(make_h5: MakeH5, stored: np.ndarray, message: str) -> None:
    _fails(make_h5(stored=stored), message)


def test_no_expression(make_h5: MakeH5) -> None:
    path = make_h5()
    with h5py.File(path, "a") as file:
        del file["data"]
    _fails(path, "has no dataset data/expression .found: meta/genes")


def test_files_that_are_no_hdf5(tmp_path: Path, make_h5: MakeH5) -> None:
    whole = make_h5().read_bytes()
    for content, message in [
        (b"", "is empty"),
        (b"gene,count\n", "is not an HDF5 file"),
        (whole[:-500], "is truncated"),
    ]:
        path = tmp_path / "bad.h5"
        path.write_bytes(content)
        _fails(path, message)
    _fails(tmp_path / "missing.h5", "no such file")
    _fails(tmp_path, "no such file")


def test_a_damaged_chunk_is_reported_on_reading(make_h5: MakeH5) -> None:
    path = make_h5(chunks=(12, 5), compression="gzip", fletcher32=True)
    with h5py.File(path) as file:
        offset = file["data/expression"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[offset + 8] ^= 0xFF
    path.write_bytes(bytes(data))
    with Archs4File(path) as file, pytest.raises(CountsFileError, match="cannot read data/expression"):
        file.read(slice(None))


def test_counts_with_less_room_than_their_shape_needs_are_not_read(make_h5: MakeH5) -> None:
    path = make_h5()  # in one piece; h5py gives some of its values for others where its header lies about its size
    with h5py.File(path) as file:
        dataset = file["data/expression"]
        assert dataset.chunks is None
        layout = struct.pack("<BBQQ", 3, 1, dataset.id.get_offset(), dataset.id.get_storage_size())
    data = path.read_bytes()
    assert data.count(layout) == 1
    path.write_bytes(data.replace(layout, layout[:10] + struct.pack("<Q", 112)))
    _fails(path, "data/expression is a dataset that was cut short: only data inside the file are read, and whole ones")
    with pytest.raises(SampleFileError, match="expression stores less than its shape needs"):
        read_samples(path, "up.h5")


@pytest.mark.parametrize("link", [h5py.ExternalLink("other.h5", "data/expression"), h5py.SoftLink("/elsewhere")])
def test_links_are_not_followed(make_h5: MakeH5, link: Any) -> None:
    make_h5(name="other.h5")
    path = make_h5()
    with h5py.File(path, "a") as file:
        del file["data/expression"]
        file["data/expression"] = link
    _fails(path, "data/expression is a link to elsewhere: only data inside the file are read")


def test_virtual_datasets_and_outside_storage_are_not_read(make_h5: MakeH5, tmp_path: Path) -> None:
    other, path = make_h5(name="other.h5"), make_h5()
    with h5py.File(path, "a") as file:
        del file["data/expression"]
        layout = h5py.VirtualLayout((12, 5), "uint32")
        layout[:] = h5py.VirtualSource(other, "data/expression", (12, 5))
        file.create_virtual_dataset("data/expression", layout)
    _fails(path, "data/expression is a virtual dataset")
    with h5py.File(path, "a") as file:
        del file["data/expression"]
        external = [(str(tmp_path / "raw"), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("data/expression", (12, 5), "uint32", external=external)
    _fails(path, "data/expression is a dataset stored outside")


def test_numbers_kept_as_text_and_bad_encoding(make_h5: MakeH5) -> None:
    change = {
        "meta/samples/alignedreads": ["10", "x", "", "3e2", "5"],
        "meta/samples/title": np.array([b"caf\xe9", b"b", b"c", b"d", b"e"]),
    }
    with Archs4File(make_h5(change=change)) as file:
        np.testing.assert_array_equal(file.biosamples["alignedreads"], [10, np.nan, np.nan, 300, 5])
        assert file.biosamples["title"][0] == "caf�"


def test_the_name_stands_for_the_path_in_messages(make_h5: MakeH5) -> None:
    path = make_h5(change={"meta/samples/geo_accession": list("aaaaa")})
    with pytest.raises(CountsFileError, match=r"^upload\.h5: "):
        Archs4File(path, "upload.h5")


@pytest.mark.real
def test_the_real_trial_file(real_data: Path) -> None:
    path = real_data / "human_tissue_counts.h5"
    with h5py.File(path) as plain:
        expected = plain["data/expression"][:]
        symbols = [s.decode() for s in plain["meta/genes/symbol"][:]]
    with Archs4File(path) as file:
        assert file.layout == "v2" and file.shape == (603, 17481) and file.organism == "Homo sapiens"
        assert file.genes["symbol"].to_list() == symbols
        assert (file.biosamples["singlecellprobability"] == 0).all()
        rows = np.random.default_rng(1).permutation(603)[:40]
        counts = file.read(rows)
        np.testing.assert_array_equal(counts, expected[:, rows].T)
        np.testing.assert_array_equal(counts.sum(axis=1), file.biosamples["alignedreads"].iloc[rows])


@pytest.mark.parametrize("key", ["meta/samples/title", "meta/samples/readsaligned"])
def test_a_field_that_holds_lists_is_refused(make_h5: MakeH5, key: str) -> None:
    path = make_h5("v2.2")
    with h5py.File(path, "r+") as file:
        kind = np.dtype(("S4", (3,))) if key.endswith("title") else np.dtype(("<f8", (3,)))
        if key in file:
            del file[key]
        file.create_dataset(key, shape=(5,), dtype=kind)
    with pytest.raises(CountsFileError, match=f"{key} must hold one value each"), Archs4File(path):
        pass
