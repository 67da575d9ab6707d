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


def test_deciding_genes_point_both_ways_and_say_what_is_usual() -> None:
    genes = pd.DataFrame(
        {"symbol": ["MBP", "ALB", "MBP"], "contribution": [0.2, -0.1, 0.05], "value": [9.0, 0.0, 1.0], "usual": 3.0}
    )
    figure = classify.deciding_genes(genes, "brain", "share of votes")
    bars = figure.data[0]
    assert list(bars.x) == [0.2, -0.1, 0.05]
    assert list(bars.y) == [0, 1, 2]  # the symbol that stands twice has two bars
    assert list(figure.layout.yaxis.ticktext) == ["MBP", "ALB", "MBP"]
    assert bars.marker.color[0] == palette.ACCENT != bars.marker.color[1]
    assert list(bars.customdata[1]) == ["ALB", 0.0, 3.0]
    assert figure.layout.xaxis.title.text == "Contribution to brain (share of votes)"


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


def test_labels_are_counted_as_called_or_abstained() -> None:
    called, abstained = classify.label_counts(_samples()).data
    assert list(called.y) == ["brain", "liver"]
    assert (list(called.x), list(abstained.x)) == ([1, 1], [1, 0])
    assert called.marker.color[0] == palette.label_color("brain")


def test_rare_labels_are_drawn_together() -> None:
    names = [f"label {i:02d}" for i in range(40) for _ in range(40 - i)]
    table = pd.DataFrame({"predicted": names, "abstained": [i % 3 == 0 for i in range(len(names))]})
    figure = classify.label_counts(table)
    bars = figure.data[0]
    assert len(bars.y) == classify.MOST_BARS
    assert bars.y[-1] == "17 other labels"
    assert sum(sum(trace.x) for trace in figure.data) == len(names)


def test_a_histogram_has_every_sample_once_to_the_very_ends() -> None:
    table = pd.DataFrame({"probability": [0.0, 0.02, 0.5, 1.0], "abstained": [True, False, False, False]})
    called, abstained = classify.histogram(table, "probability").data
    assert sum(called.y) == 3 and sum(abstained.y) == 1
    assert called.y[-1] == called.y[0] == 1
    assert called.customdata[-1] == "0.95 to 1.00"
