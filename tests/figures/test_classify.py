"""Charts of the Classify page."""

import numpy as np
import pandas as pd

from core.figures import classify, palette


def _samples() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sample": ["s1", "s2", "s3"],
            "predicted": ["brain|cerebellum", "liver", "brain"],
            "probability": [0.9, 0.8, 0.2],
            "abstained": [False, False, True],
            "novelty": [0.1, 0.2, 0.99],
        }
    )


def test_probabilities_fade_what_was_not_predicted_and_keep_label_colours() -> None:
    figure = classify.probabilities({"brain": 0.8, "liver": 0.15, "skin": 0.05}, ["brain"])
    bars = figure.data[0]
    assert list(bars.y) == ["brain", "liver", "skin"]
    assert list(bars.x) == [0.8, 0.15, 0.05]
    assert list(bars.marker.opacity) == [1.0, 0.35, 0.35]
    assert bars.marker.color[0] == palette.label_color("brain")
    assert figure.layout.yaxis.autorange == "reversed"  # the most probable on top


def test_a_predicted_label_is_shown_even_when_many_are_more_probable() -> None:
    values = {f"label {i:02d}": 1 - i / 40 for i in range(20)}
    figure = classify.probabilities(values, ["label 19"])
    assert list(figure.data[0].y) == [*list(values)[: classify.MAX_LABELS], "label 19"]


def test_thresholds_are_marked_where_they_are_known() -> None:
    figure = classify.probabilities({"brain": 0.8, "liver": 0.1}, ["brain"], {"liver": 0.4, "absent": 0.2})
    marks = figure.data[1]
    assert (list(marks.x), list(marks.y)) == ([0.4], ["liver"])


def test_high_genes_join_both_scores_of_a_gene() -> None:
    genes = pd.DataFrame({"symbol": ["MBP", "GFAP"], "z_all": [9.0, 8.0], "z_label": [1.0, 2.0]})
    lines, everyone, label = classify.high_genes(genes, "brain").data
    assert list(lines.x) == [9.0, 1.0, None, 8.0, 2.0, None]
    assert list(everyone.x) == [9.0, 8.0]
    assert list(label.x) == [1.0, 2.0]
    assert "brain" in label.name


def test_high_genes_without_a_predicted_label_show_one_score() -> None:
    genes = pd.DataFrame({"symbol": ["MBP"], "z_all": [9.0], "z_label": [np.nan]})
    assert [trace.name for trace in classify.high_genes(genes, "").data] == ["against all biosamples"]


def test_genes_that_share_a_symbol_keep_rows_of_their_own() -> None:
    genes = pd.DataFrame({"symbol": ["PINX1", "PINX1"], "z_all": [5.0, 4.0], "z_label": [np.nan, np.nan]})
    assert list(classify.high_genes(genes, "").data[0].y) == [0, 1]


def test_samples_name_themselves_and_abstained_ones_stand_apart() -> None:
    figure = classify.samples(_samples(), chosen="s2")
    by_name = {trace.name: trace for trace in figure.data}
    assert set(by_name) == {"abstained", "brain", "liver"}
    assert list(by_name["abstained"].customdata) == ["s3"]
    assert list(by_name["brain"].customdata) == ["s1"]
    assert by_name["liver"].marker.size[0] > by_name["brain"].marker.size[0]
