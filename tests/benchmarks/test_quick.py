"""The benchmarks run, at small sizes, and what they say of exactness holds; what they say of speed is not looked at."""

import re
from pathlib import Path

import pytest

from benchmarks.__main__ import main


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bench")
    report = folder / "page.md"
    names = ("normalisation", "signal", "cosines", "store")
    report.write_text("".join(f"<!-- bench:{name} -->\n<!-- /bench:{name} -->\n" for name in ("machine", *names)))
    only = [word for name in names for word in ("--only", name)]
    assert main(["--quick", "--sizes", "60,80,100", "--folder", str(folder), "--report", str(report), *only]) == 0
    return report.read_text()


@pytest.mark.parametrize("what", ["Agreement", "p95, bit by bit"])
def test_what_is_claimed_of_exactness_is_met(page: str, what: str) -> None:
    rows = re.findall(rf"^\| {what} \|.*\|$", page, re.MULTILINE)
    assert rows
    assert all(row.rstrip("| ").endswith("met") and "not met" not in row for row in rows)


def test_every_section_has_figures(page: str) -> None:
    sections = re.findall(r"<!-- bench:(\w+) -->\n(.*?)<!-- /bench:", page, re.DOTALL)
    assert len(sections) == 5
    assert all(text.strip() for _, text in sections)
    assert len(re.findall(r"\d ms", page)) > 8


def test_the_documented_page_has_a_place_for_every_section() -> None:
    from benchmarks.__main__ import BENCHMARKS, PAGE

    text = Path(PAGE).read_text()
    assert all(f"<!-- bench:{name} -->" in text and f"<!-- /bench:{name} -->" in text for name in BENCHMARKS)
