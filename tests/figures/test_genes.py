"""Charts of genes hold the numbers that they were given."""

import numpy as np
import pandas as pd
import pytest

from core.expression.enrichment import running_sum
from core.figures import genes, palette


@pytest.fixture
def groups() -> list[genes.Group]:
    rng = np.random.default_rng(1)
    sizes = {"liver": 40, "brain": 30, "skin": 4}
    return [
        genes.Group(label, place + rng.random(size), [f"{label}{i}" for i in range(size)])
        for place, (label, size) in enumerate(sizes.items())
    ]


def test_labels_are_ordered_by_median_and_few_are_shown_each(groups: list[genes.Group]) -> None:
    figure = genes.by_label(groups, "log2")
    assert list(figure.layout.yaxis.categoryarray) == ["liver", "brain", "skin"]
    kinds = {trace.name: trace for trace in figure.data}
    assert [kinds[name].type for name in ("liver", "brain", "skin")] == ["box", "box", "scatter"]
    assert kinds["brain"].median[0] == pytest.approx(np.median(groups[1].values))
    assert kinds["liver"].marker.color == palette.label_color("liver")
    assert "log2" in figure.layout.xaxis.title.text


def test_violins_and_a_logarithmic_axis(groups: list[genes.Group]) -> None:
    figure = genes.by_label(groups, "counts", "violin", log=True)
    violin = next(trace for trace in figure.data if trace.name == "brain")
    assert violin.type == "violin"
    np.testing.assert_allclose(np.sort(violin.x), np.sort(groups[1].values + 1), rtol=1e-6)
    assert figure.layout.xaxis.type == "log"
    assert "1 + counts, log axis" in figure.layout.xaxis.title.text


def test_a_violin_of_many_biosamples_is_made_of_some() -> None:
    many = genes.Group("liver", np.random.default_rng(1).random(5000), ["x"] * 5000)
    assert len(genes.by_label([many], "u", "violin").data[0].x) == genes.MOST_POINTS


def test_the_rank_plot_marks_the_list_on_its_line() -> None:
    values = np.linspace(10, 1, 5000)
    curve = running_sum(np.array([0, 99, 4999]), 5000)
    figure = genes.rank_plot(values, [1, 100, 5000], ["A", "B", "C"], curve, "Signal")
    line, marks, total = figure.data
    assert len(line.x) <= genes.MAX_LINE
    assert (line.x[0], line.x[-1]) == (1, 5000)
    np.testing.assert_allclose(marks.y, values[[0, 99, 4999]])
    assert list(marks.customdata) == ["A", "B", "C"]
    assert total.y[-1] == 0
    assert figure.layout.yaxis.title.text == "Signal"


def test_small_multiples_share_both_axes(groups: list[genes.Group]) -> None:
    figure = genes.small_multiples([(name, groups) for name in "ABCDE"], "log2")
    assert [note.text for note in figure.layout.annotations] == list("ABCDE")
    assert len(figure.data) == 15
    assert list(figure.layout.yaxis.categoryarray) == ["liver", "brain", "skin"]
    assert {figure.layout[name].matches for name in ("xaxis2", "xaxis5")} == {"x"}
    assert "log2" in figure.layout.xaxis4.title.text


def test_dots_have_area_by_share_and_colour_by_the_genes_own_highest() -> None:
    dots = pd.DataFrame({"gene": [0, 0, 1, 1], "label": ["a", "b"] * 2, "biosamples": 9, "mean": [4.0, 1.0, 0.0, 0.0],
                         "share_expressed": [1.0, 0.25, 0.0, 0.0]})  # fmt: skip
    trace = genes.dot_plot(dots, ["G", "H"], "u").data[0]
    assert list(trace.marker.color) == [1.0, 0.25, 0.0, 0.0]
    assert (trace.marker.size**2).tolist() == [400, 100, 0, 0]
    assert list(trace.y) == ["G", "G", "H", "H"]


def test_the_correlation_writes_r_into_its_fields() -> None:
    trace = genes.correlation(np.array([[1, np.nan], [np.nan, 1]]), ["A", "B"]).data[0]
    assert trace.text.tolist() == [["1.00", ""], ["", "1.00"]]


def test_correlated_genes_show_limits_and_carry_ids() -> None:
    table = pd.DataFrame({"id": ["A", "B"], "r": [0.9, 0.5], "low": [0.8, 0.3], "high": [0.95, 0.6]})
    trace = genes.correlated(table).data[0]
    assert list(trace.customdata) == ["B", "A"]
    np.testing.assert_allclose(trace.error_x.array, [0.1, 0.05])
    np.testing.assert_allclose(trace.error_x.arrayminus, [0.2, 0.1])


def test_gene_sets_are_placed_by_auc() -> None:
    table = pd.DataFrame({"set": ["A", "B"], "auc": [0.9, 0.4], "q_rank": [0.0, 0.5], "ranked": [10, 40], "in_top": 1})
    trace = genes.gene_sets(table).data[0]
    assert list(trace.x) == [0.4, 0.9]
    np.testing.assert_allclose(trace.marker.color, [-np.log10(0.5), 6])
