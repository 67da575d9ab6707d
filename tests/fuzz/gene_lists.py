"""Gene sets (.gmt), pasted lists of genes and of biosamples, and the names of genes themselves."""

import random
from pathlib import Path

from hypothesis import strategies as st

from core.sources.excel_names import repair
from core.sources.gencode import strip_version
from core.sources.gene_names import joined, other_name, parse
from core.sources.gene_sets import read_gmt
from core.sources.organisms import organism_of
from tests.fuzz import mutate
from tests.fuzz.demo import demo_workspace
from tests.fuzz.target import Target
from tests.sources.conftest import ENSEMBL, SYMBOLS

GMT = [
    b"SET_A\thttp://x\tTP53\tGAPDH\tACTB\nSET_B\tna\tALB,1.0\tGFAP,0.5\n",
    b"\xef\xbb\xbfA\t\tTP53\t\t\r\nB\tb\tINS\r\n",
]
_NAMES = [*SYMBOLS, *ENSEMBL, *mutate.CELLS, "ENSG00000000001.5_TP53", "TP53|7157", "1-Mar", "Sep-02", "2009-09-01",
    "01/09/2009",
          "32/13/0000", "2.31E+13", "ENS" + "A" * 4000 + "G1", "ENSG" + "1" * 4000, "_" * 3000, "|" * 3000,
          "A|" * 3000, "a_ENSG" * 2000]  # fmt: skip


def read_sets(data: bytes, folder: Path) -> None:
    sets = read_gmt(data, "sets.gmt")
    assert sets and len({one.name for one in sets}) == len(sets), "sets without names of their own"
    assert all(one.name and one.genes and all(one.genes) for one in sets), "a set without genes"


def read_lists(data: bytes, folder: Path) -> None:
    """A pasted text as a list of genes, and as a list of biosamples, of the demo dataset."""
    from core import workflows as wf

    workspace = demo_workspace()
    text, dataset = data.decode("utf-8", "replace"), workspace.dataset("demo")
    found, unknown = wf.read_ids(dataset, text)
    assert set(found) <= set(dataset.biosamples["sample_id"]) and all(unknown)
    genes = wf.match_gene_list(workspace, "demo", text)
    assert all(0 <= row < len(dataset.rankings) for row in genes.rows) and len(set(genes.rows)) == len(genes.rows)
    if genes.rows:
        wf.rank_gene_list(workspace, "demo", genes.rows)


def read_names(data: bytes, folder: Path) -> None:
    """Names of genes: what they say, what Excel made of them, of which organism they are."""
    names = data.decode("utf-8", "replace").split("\x1e")
    for name in names:
        parts = parse(name)
        assert parts.form in ("symbol", "gene", "transcript", "target") and all(isinstance(one, str) for one in parts)
        assert isinstance(strip_version(name), str) and isinstance(joined(name, names[0]), str)
        other_name(name)
    assert len(repair(names).ids) == len(names)
    organism_of(names, names)


def make_sets(rng: random.Random) -> bytes:
    return mutate.text(rng, rng.choice(GMT))


def make_lists(rng: random.Random) -> bytes:
    dataset = demo_workspace().dataset("demo")
    known = [
        *dataset.genes["symbol"].head(40),
        *dataset.genes["ensembl_gene_id"].head(40),
        *dataset.biosamples["sample_id"].head(40),
    ]
    names = [rng.choice(known if rng.random() < 0.7 else _NAMES) for _ in range(rng.choice([0, 1, 5, 40]))]
    text = rng.choice([" ", ",", ";", "\n", "\t", "\r\n", " | ", '","', "\x00", "\u2028", ""]).join(names)
    return (
        mutate.by_bytes(rng, text.encode("utf-8", "replace")) if rng.random() < 0.3 else text.encode("utf-8", "replace")
    )


def make_names(rng: random.Random) -> bytes:
    names = [rng.choice(_NAMES) for _ in range(rng.choice([1, 4, 30]))]
    names = [name + rng.choice(["", "", rng.choice(_NAMES)[:200]]) for name in names]
    return "\x1e".join(names).encode("utf-8", "replace")


def names_grammar() -> st.SearchStrategy[bytes]:
    parts = st.sampled_from(
        [
            "ENS",
            "ENSG",
            "ENST",
            "MUS",
            "R",
            "0",
            "00000000001",
            ".",
            "_",
            "|",
            "PAR_Y",
            "Mar",
            "-",
            "/",
            "Sept",
            "E+",
            "9",
        ]
    )
    name = st.one_of(st.lists(parts, max_size=9).map("".join), st.text(max_size=20))
    return st.lists(name, min_size=1, max_size=8).map(lambda names: "\x1e".join(names).encode("utf-8", "replace"))


TARGETS = [
    Target("gene sets (.gmt)", make_sets, read_sets, 1.0, pure=True),
    Target("pasted lists of genes and biosamples", make_lists, read_lists, 0.5),
    Target("names of genes, as Excel leaves them too", make_names, read_names, 0.8, strategy=names_grammar, pure=True),
]
