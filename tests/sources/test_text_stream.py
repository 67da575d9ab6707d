"""Text that is checked in one pass."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SampleFileError
from core.sources import text_stream
from core.sources.text_stream import TextStream


def _stream(data: bytes) -> TextStream:
    return TextStream(data, "up.csv", SampleFileError)


@given(st.text(alphabet="aé😀\n\r\t ,", min_size=1), st.integers(1, 5), st.booleans())
def test_lines_are_counted_whatever_the_pieces(text: str, piece: int, packed: bool) -> None:
    data = gzip.compress(text.encode(), mtime=0) if packed else text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_stream, "PIECE", piece)
        if not text.strip():
            with pytest.raises(SampleFileError, match="the file is empty"):
                _stream(data).check()
            return
        assert _stream(data).check() == text.replace("\r\n", "\n").replace("\r", "\n").count("\n")


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("bad", [b"caf\xe9,1\n", b"caf\xc3,1\n", b"\xff", b"\xe2\x82"])
def test_the_line_that_is_not_utf8(monkeypatch: pytest.MonkeyPatch, piece: int, bad: bytes) -> None:
    monkeypatch.setattr(text_stream, "PIECE", piece)
    with pytest.raises(SampleFileError, match=r"up\.csv, line 3: not UTF-8"):
        _stream("gène,count\r\nTP53,5\n".encode() + bad).check()


def test_a_byte_order_mark_is_passed_over() -> None:
    stream = _stream(b"\xef\xbb\xbfgene,a\nTP53,1\n")
    with stream.binary() as binary, stream.text() as text:
        assert binary.read(4) == b"gene"
        assert text.readline() == "gene,a\n"


def test_a_gzip_bomb_is_cut_short() -> None:
    bomb = gzip.compress(b"0" * 3_000_000, mtime=0)
    with pytest.raises(SampleFileError, match="holds more than 2 MB"):
        _stream(bomb).check(limit=2 * 2**20)
