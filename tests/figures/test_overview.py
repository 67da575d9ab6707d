"""Charts of the Overview page hold the numbers that they were given."""

import numpy as np
import pandas as pd
import pytest

from core.figures import overview, palette


def test_label_sizes_are_largest_first_in_their_colours() -> None:
    bars = overview.label_sizes(pd.DataFrame({"label": ["brain", "liver"], "biosamples": [3, 1200]})).data[0]
    assert list(bars.y) == ["liver", "brain"]
    assert list(bars.x) == [1200, 3]
    assert list(bars.text) == ["1,200", "3"]
    assert list(bars.marker.color) == [palette.label_color("liver"), palette.label_color("brain")]


def test_depth_is_drawn_on_a_log_scale_with_its_median() -> None:
    frame = pd.DataFrame({"depth": [0.0, 1e5, 1e6, 1e6, 1e7]})
    figure = overview.depth(frame)
    assert sum(figure.data[0].y) == 4  # a biosample without counts has no place on a log scale
    assert figure.layout.shapes[0].x0 == pytest.approx(6.0)
    assert figure.layout.annotations[0].text == "median 1M"
    assert "1M" in figure.layout.xaxis.ticktext


def test_zero_share_counts_every_biosample() -> None:
    figure = overview.zero_share(pd.DataFrame({"zero_share": [0.1, 0.2, 0.4]}))
    assert sum(figure.data[0].y) == 3
    assert figure.layout.shapes[0].x0 == pytest.approx(0.2)


def test_normalisation_draws_one_curve_a_biosample_of_that_stage() -> None:
    percentiles = np.arange(101.0)
    rows = [
        pd.DataFrame({"percentile": percentiles, "sample_id": sample, "value": percentiles * factor, "stage": stage})
        for sample, factor in (("S1", 1.0), ("S2", 2.0))
        for stage in ("log2(1 + count)", "quantile-normalised")
    ]
    figure = overview.normalisation(pd.concat(rows), "log2(1 + count)")
    assert [trace.name for trace in figure.data] == ["S1", "S2"]
    assert figure.data[1].y[50] == pytest.approx(100.0)
    assert len(figure.data[0].x) == overview.HIGHEST + 1
    assert "Percentile" in figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text == "log2(1 + count)"
