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


def test_many_labels_are_cut_to_the_largest() -> None:
    labels = pd.DataFrame({"label": [f"tissue {n}" for n in range(100)], "biosamples": range(1, 101)})
    bars = overview.label_sizes(labels).data[0]
    assert list(bars.x) == list(range(100, 100 - overview.MOST_LABELS, -1))
    assert overview.labels_alt(labels) == "Biosamples of 100 labels, from tissue 99 (100) to tissue 0 (1)"


def test_sentences_say_what_the_charts_show() -> None:
    frame = pd.DataFrame({"depth": [0.0, *np.linspace(1e6, 2e6, 101)], "zero_share": np.linspace(0.2, 0.6, 102)})
    assert overview.depth_alt(frame) == "Counts of a biosample: median 1.5M, nine in ten between 1.05M and 1.95M"
    assert overview.depth_alt(frame.head(1)) == "No biosample has a count"
    assert overview.zeros_alt(frame) == (
        "Genes without a count: median 40% of all, nine in ten biosamples between 22% and 58%"
    )
    rows = [(75.0, sample, value, stage) for stage, values in (("raw", (1.0, 3.0)), ("same", (2.0, 2.001)))
            for sample, value in zip("ab", values, strict=True)]  # fmt: skip
    curves = pd.DataFrame(rows, columns=["percentile", "sample_id", "value", "stage"])
    assert overview.normalisation_alt(curves, "raw") == "Upper quartiles of 2 biosamples lie between 1.00 and 3.00"
    assert overview.normalisation_alt(curves, "same") == "All 2 biosamples have the same upper quartile, 2.00"


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
    (curves,) = figure.data  # one after the other, a gap after each
    each = overview.HIGHEST + 2
    assert list(curves.customdata) == ["S1"] * each + ["S2"] * each
    assert (curves.x[each + 50], curves.y[each + 50]) == (50.0, pytest.approx(100.0))
    assert np.isnan(curves.y[[each - 1, 2 * each - 1]]).all()
    assert np.isnan(curves.y).sum() == 2
    assert "Percentile" in figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text == "log2(1 + count)"
