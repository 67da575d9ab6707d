"""docs/formats.md names tests that exist and example files, and every example file reads as what it is."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from core.settings import PROJECT
from core.sources.archs4 import Archs4File
from core.sources.sample_files import read_samples
from tests.docs.made_examples import EXAMPLES, FOLDER, TRANSCRIPTS
from tests.sources.transcript_files import make

PAGE = (PROJECT / "docs" / "formats.md").read_text(encoding="utf-8")
NAMED_TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
LINKED = sorted(set(re.findall(r"\]\(examples/([^)]+)\)", PAGE)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_read_as_what_it_is(name: str) -> None:
    example = EXAMPLES[name]
    samples = read_samples(FOLDER / name, name)
    assert samples.kind.startswith(example.kind)
    np.testing.assert_array_equal(samples.values, example.values)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_an_example_of_transcripts_holds_those_of_its_generation(name: str, tmp_path: Path) -> None:
    expected = make(tmp_path / "x.h5", TRANSCRIPTS[name], n=3, n_genes=10)
    with Archs4File(FOLDER / name) as file:
        assert file.level == "transcript"
        assert file.genes["transcript_id"].tolist() == expected.table["transcript_id"].tolist()
        np.testing.assert_array_equal(file.read(slice(None)), expected.counts)


@pytest.mark.parametrize(("file", "function"), NAMED_TESTS)
def test_the_page_names_tests_that_exist(file: str, function: str) -> None:
    tree = ast.parse((PROJECT / file).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_row_of_a_format_names_a_test_and_of_an_input_an_example() -> None:
    counts, uploads, results = (_rows(title) for title in ("Counts files", "Samples to classify", "Results"))
    assert len(counts) >= 11 and len(uploads) >= 18 and len(results) == 6
    for row in (*counts, *uploads, *results):
        assert re.search(r"`tests/[\w/]+\.py::\w+`", row), row
    for row in (*counts, *uploads):
        assert re.search(r"\]\(examples/[^)]+\)", row), row


def test_every_example_is_linked_and_every_link_leads_to_one() -> None:
    assert set(LINKED) == set(EXAMPLES) | set(TRANSCRIPTS) == {path.name for path in FOLDER.iterdir()}


def _rows(title: str) -> list[str]:
    """Rows of the first table under a heading."""
    section = re.search(rf"^## {title}\n(.*?)(?=^##+ |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section is not None
    table = re.search(r"(?:^\|.*\n)+", section[1], re.MULTILINE)
    assert table is not None
    return table[0].splitlines()[2:]
