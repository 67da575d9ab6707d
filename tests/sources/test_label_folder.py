"""The downloads of the ARCHS4 site: a folder a label, tables with biosamples as columns."""

import gzip
from pathlib import Path

import pytest

from core.errors import LabelsError
from core.sources.label_folder import read_label_folder, tables_of

KNOWN = ["GSM1", "GSM2", "GSM3", "own-id"]


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return folder


def test_folders_are_labels(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "downloads",
        {
            "tissue/brain/GSE1.tsv": "gene\tGSM1\tGSM2\nALB\t1\t2\n",
            "tissue/brain/GSE2.csv": 'gene,"GSM2",own-id\nALB,1,2\n',
            "tissue/spinal_cord/all.csv.gz": ",GSM2\nALB,5\n",
            "tissue/readme.txt": "About these tables",
            "cell_line/HeLa/x.tsv": "\n# kallisto\nGSM3\tGSM9\nALB\t1\t2\n",
            "skin/.hidden.tsv": "gene\tGSM77\n",
            "skin/notes.pdf": "no table",
            "skin/one.txt": "gene\tGSM8\tLEFT\n",
        },
    )
    found, notes = read_label_folder(folder, KNOWN, ignore={"LEFT"})
    assert {tuple(row) for row in found[["sample_id", "label", "source"]].to_numpy()} == {
        ("GSM1", "brain", "tissue/brain/GSE1.tsv"),
        ("GSM2", "brain", "tissue/brain/GSE1.tsv"),
        ("own-id", "brain", "tissue/brain/GSE2.csv"),
        ("GSM2", "spinal cord", "tissue/spinal_cord/all.csv.gz"),
        ("GSM3", "HeLa", "cell_line/HeLa/x.tsv"),
    }
    assert found[["field", "words"]].eq("").all(axis=None)
    assert notes == ["2 biosamples of downloads are not in the dataset."]


def test_only_headers_are_read(tmp_path: Path) -> None:
    folder = write(tmp_path, {"brain/big.tsv": "gene\tGSM1\n"})
    with (folder / "brain" / "big.tsv").open("ab") as file:
        file.truncate(20 * 2**30)  # 20 GB of zeros that take no room; reading them would take minutes and is no UTF-8
    packed = gzip.compress(b"gene\tGSM2\n" + b"0123456789\n" * 10**6)
    (folder / "brain" / "cut.tsv.gz").write_bytes(packed[: len(packed) // 2])
    assert read_label_folder(folder, KNOWN)[0]["sample_id"].tolist() == ["GSM1", "GSM2"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"brain/a.tsv": "gene\tGSM1\n", "liver/readme.md": "x"}, "liver: has no table .* biosamples such as GSM1000"),
        ({"brain/a.tsv": "gene\tGSM1\n", "liver/a.csv": "symbol,length\n"}, "liver: has no table"),
        ({"tissue/brain/a.tsv": "gene\tGSM1\n", "tissue/liver/x/a.tsv": "gene\tGSM1\n"}, "tissue/liver: has no table"),
        ({"a.tsv": "gene\tGSM1\n"}, "has no folders"),
        ({"a|b/a.tsv": "gene\tGSM1\n"}, r"a\|b: the label has a '\|'"),
        (
            {"brain/a.tsv": "gene\tGSM7\tGSM8\n"},
            r"none of its 2 biosamples \(GSM7, GSM8\) .* like GSM1, GSM2, GSM3",
        ),
        ({"brain/a.tsv.gz": ""}, "has no table"),
    ],
)
def test_folders_that_cannot_be_used(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(LabelsError, match=message):
        read_label_folder(write(tmp_path, files), KNOWN)


def test_an_empty_label_folder_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"brain/a.tsv": "gene\tGSM1\n"})
    (tmp_path / "tonsil").mkdir()
    with pytest.raises(LabelsError, match="tonsil: has no table"):
        read_label_folder(tmp_path, KNOWN)


def test_tables_come_in_one_order(tmp_path: Path) -> None:
    write(tmp_path, {"b/2.tsv": "g\tGSM2\n", "b/1.tsv": "g\tGSM1\n", "a/1.tsv": "g\tGSM1\n"})
    assert [(table.label, table.path) for table in tables_of(tmp_path)] == [
        ("a", "a/1.tsv"), ("b", "b/1.tsv"), ("b", "b/2.tsv"),
    ]  # fmt: skip
