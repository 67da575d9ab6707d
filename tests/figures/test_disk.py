"""The chart of the disk, and bytes in words."""

import pandas as pd
import pytest

from core.figures.disk import WORDS, disk_bars, words_of


def test_bars_are_as_long_as_the_bytes_the_largest_on_top_and_coloured_by_what_can_come_back():
    kinds = pd.DataFrame({
        "title": ["Counts", "Models", "Maps", "Nothing"], "bytes": [4_000_000, 1_500_000, 300_000, 0],
        "files": [3, 2, 9, 0], "rebuildable": ["from its files", "no", "yes", "yes"],
    })  # fmt: skip
    figure = disk_bars(kinds)
    drawn = {name: value for trace in figure.data for name, value in zip(trace.y, trace.x, strict=True)}
    assert drawn == pytest.approx({"Counts": 4.0, "Models": 1.5, "Maps": 0.3})
    assert list(figure.layout.yaxis.categoryarray) == ["Maps", "Models", "Counts"]
    assert figure.layout.xaxis.title.text == "Size (MB)"
    assert {trace.name for trace in figure.data} == set(WORDS.values())
    assert len({trace.marker.color for trace in figure.data}) == 3


def test_an_empty_data_folder_draws_an_empty_chart():
    empty = pd.DataFrame({"title": [], "bytes": [], "files": [], "rebuildable": []})
    assert list(disk_bars(empty).data) == []


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 kB"), (312_400, "312 kB"), (1_444_000_000, "1.4 GB"),
     (270_600_000_000, "271 GB")],
)  # fmt: skip
def test_bytes_in_words(size, words):
    assert words_of(size) == words
