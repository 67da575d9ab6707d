"""A .gmt file gives its sets; anything else is refused with the line."""

import pytest

from core.errors import GeneSetsError
from core.sources.gene_sets import GeneSet, read_gmt


def test_sets_come_in_the_order_of_the_file_with_each_gene_once() -> None:
    text = "\ufeffB\tsite\tGFAP\tMBP\tGFAP\r\n\r\nA\t\tALB,1.0\t\tTF \n".encode()
    assert read_gmt(text, "x.gmt") == [GeneSet("B", "site", ("GFAP", "MBP")), GeneSet("A", "", ("ALB", "TF"))]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"ONE\tdesc\tA\nTWO\n", "line 2: 1 field "),
        (b"ONE A B C", "line 1: 1 field "),
        (b"\tdesc\tA", "line 1: the set has no name"),
        (b"ONE\tdesc\t\t", "line 1: the set 'ONE' has no genes"),
        (b"ONE\td\tA\nTWO\td\tB\nONE\td\tC", "'ONE' 2 times"),
        (b"\x1f\x8b\x08\xff\xfe", "UTF-8"),
    ],
)
def test_what_is_no_gmt_is_said(content: bytes, words: str) -> None:
    with pytest.raises(GeneSetsError, match=r"x\.gmt") as caught:
        read_gmt(content, "x.gmt")
    assert words in str(caught.value)


def test_a_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.sources.gene_sets.LARGEST", 10)
    with pytest.raises(GeneSetsError, match="larger"):
        read_gmt(b"ONE\tdescription\tA", "x.gmt")
