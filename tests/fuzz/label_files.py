"""Label tables, folders of labels, vocabularies of rules and what labels imply; and texts that rules read."""

import json
import random
from pathlib import Path

import pandas as pd
from hypothesis import strategies as st

from core.sources.annotation import read_labels
from core.sources.label_folder import read_label_folder
from core.sources.label_parents import implied, read_parents
from core.sources.label_rules import LABEL_COLUMNS, label_by_rules
from core.sources.label_vocabulary import SHIPPED, read_vocabulary
from tests.fuzz import mutate
from tests.fuzz.target import Target

KNOWN = [f"GSM{i}" for i in range(1, 9)]
TABLES = [
    b"sample_id\tlabel\nGSM1\tbrain\nGSM2\tliver\nGSM2\tbrain\nGSM3\tHeLa\n",
    b"gsm,tissue\nGSM1,brain\nGSM8,spinal cord\n",
    b"\xef\xbb\xbfsample\tx\r\nGSM1\tbrain\r\n",
]
VOCABULARIES = [
    b"label\tkind\twords\nbrain\ttissue\tcerebrum; CNS\nT cell\tcell\tT lymphocyte\n"
    b"HeLa\tline\t\n-\tnone\tbrain bank\niPSC\torigin\thiPSC\n",
    b"label,kind,words\nliver,tissue,hepatic\n",
]
PARENTS = [b"child\tparent\ncerebellum\tbrain\nbrain\tCNS\nCNS\tnervous system\n"]
_KEYS = ["tissue", "cell line", "cell type", "source", "organ", "treatment", "age", "TISSUE", "brain region", ""]
_WORDS = ["brain", "non-liver", "HeLa", "MCF-7", "T cells", "iPSC-derived neurons", "lung cancer", "from spleen",
    "co-cultured with",
          "metastatic to", "adjacent to", "293T", "K562cells", "PBMC", "no", ":", ";", ",", "Xx-xX", "\t", "\n", "(",
          " - ", ". ", "/", "+"]  # fmt: skip


def read_table(data: bytes, folder: Path) -> None:
    path = folder / "labels.tsv"
    path.write_bytes(data)
    check(read_labels(path, KNOWN, {"GSM9"}))


def read_folder(data: bytes, folder: Path) -> None:
    """``data``: JSON of paths and contents (latin-1)."""
    root = folder / "labels"
    for name, content in json.loads(data).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("latin-1"))
    root.mkdir(exist_ok=True)
    table, notes = read_label_folder(root, KNOWN, {"GSM9"})
    check(table)
    assert all(isinstance(note, str) for note in notes)


def read_rules(data: bytes, folder: Path) -> None:
    path = folder / "rules.tsv"
    path.write_bytes(data)
    vocabulary = read_vocabulary(path)
    check(
        label_by_rules(
            _described(["Brain, T cells of lung cancer; HeLa", "tissue: liver, cell line: MCF-7"]), vocabulary
        )
    )


def read_implied(data: bytes, folder: Path) -> None:
    path = folder / "parents.tsv"
    path.write_bytes(data)
    parents = read_parents(path)
    child = next(iter(parents), "brain")
    check(implied(pd.DataFrame({"sample_id": ["GSM1"], "label": [child]}), parents))


def read_metadata(data: bytes, folder: Path) -> None:
    """The rules that the product ships over what a file says of its biosamples."""
    texts = data.decode("utf-8", "replace").split("\x1e")
    check(label_by_rules(_described(texts), read_vocabulary_once()))


def check(table: pd.DataFrame) -> None:
    """What every table of labels promises."""
    assert list(table.columns) == list(LABEL_COLUMNS), "other columns"
    assert all(isinstance(value, str) for column in table for value in table[column]), "a cell that is no text"
    assert (table["label"] != "").all() and not table["label"].str.contains("|", regex=False).any(), (
        "a label that cannot be"
    )
    assert set(table["sample_id"]) <= set(KNOWN), "a biosample that nobody knows"


_shipped = []


def read_vocabulary_once():
    if not _shipped:
        _shipped.append(read_vocabulary(SHIPPED))
    return _shipped[0]


def _described(texts: list[str]) -> pd.DataFrame:
    texts = [*texts, "", ""][:24]
    n = max(1, len(texts) // 3)
    fields = {
        name: texts[i * n : (i + 1) * n] for i, name in enumerate(["title", "source_name_ch1", "characteristics_ch1"])
    }
    return pd.DataFrame({"sample_id": (KNOWN * 3)[:n], **{k: (v + [""] * n)[:n] for k, v in fields.items()}})


def make_table(rng: random.Random) -> bytes:
    return mutate.text(rng, rng.choice(TABLES))


def make_rules(rng: random.Random) -> bytes:
    return mutate.text(rng, rng.choice(VOCABULARIES))


def make_parents(rng: random.Random) -> bytes:
    return mutate.text(rng, rng.choice(PARENTS))


def make_folder(rng: random.Random) -> bytes:
    header = b"gene\tGSM1\tGSM2\nA\t1\t2\n"
    files = {"brain/a.tsv": header, "liver/b.csv": b"gene,GSM3,GSM99\n", "tissue/spinal_cord/all.tsv": b"gene\tGSM4\n"}
    for _ in range(rng.choice([1, 2, 3])):
        name = rng.choice(
            [*files, "readme.txt", "x/y/z.tsv", "a|b/c.tsv", "_x/c.tsv", "brain/c.tsv.gz", "ä b/\u202e.csv", "=x/a.tsv"]
        )
        files[name] = mutate.text(rng, files.get(name, header))
    return json.dumps({name: content.decode("latin-1") for name, content in files.items()}).encode()


def make_metadata(rng: random.Random) -> bytes:
    """Texts of metadata: words that the rules know, in every order, and long ones."""
    texts = []
    for _ in range(rng.choice([3, 6, 24])):
        words = [rng.choice(_WORDS) for _ in range(rng.choice([0, 3, 10, 60]))]
        text = f"{rng.choice(_KEYS)}: " * (rng.random() < 0.5) + rng.choice([" ", "", "-", "_"]).join(words)
        if rng.random() < 0.03:
            text *= rng.choice([50, 1000])
        texts.append(text + rng.choice(["", "", rng.choice(mutate.CELLS)]))
    return "\x1e".join(texts).encode("utf-8", "replace")


def table_grammar() -> st.SearchStrategy[bytes]:
    cell = st.one_of(st.sampled_from([*KNOWN, "brain", "a|b", ""]), st.text(max_size=8))
    row = st.lists(cell, min_size=1, max_size=3)
    return st.lists(row, max_size=6).map(
        lambda rows: ("sample_id\tlabel\n" + "\n".join("\t".join(r) for r in rows)).encode("utf-8", "replace")
    )


def metadata_grammar() -> st.SearchStrategy[bytes]:
    return st.lists(
        st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_WORDS), max_size=12).map(" ".join)), max_size=6
    ).map(lambda texts: "\x1e".join(texts).encode("utf-8", "replace"))


TARGETS = [
    Target("label tables", make_table, read_table, 1.0, strategy=table_grammar, pure=True),
    Target("label folders", make_folder, read_folder, 0.6),  # its bytes are a folder in JSON, which is ours
    Target("vocabularies of label rules", make_rules, read_rules, 0.8, pure=True),
    Target("tables of what labels imply", make_parents, read_implied, 0.6, pure=True),
    Target("metadata read by label rules", make_metadata, read_metadata, 0.6, strategy=metadata_grammar, pure=True),
]
