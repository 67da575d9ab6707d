"""The chart of a running sum holds the sum that a plain loop gives, and marks every gene of the set."""

import numpy as np
import pytest

from core.expression.enrichment import enrichment_score, running_sum
from core.figures import gsea

SCORES = np.linspace(5, 0.1, 40)


@pytest.mark.parametrize("places", [[0, 1, 5, 20], [3, 30, 37, 38, 39]])
def test_the_line_and_the_marks(places: list[int]) -> None:
    at = np.array(places)
    weights = SCORES[at]
    score, n = enrichment_score(at, 40, weights)
    leading = np.arange(len(at)) < n if score >= 0 else np.arange(len(at)) >= len(at) - n
    names = [f"G{place}" for place in places]
    figure = gsea.running_sum(running_sum(at, 40, weights), at + 1, names, weights, leading, 40, "Signal")

    sums = [0.0]
    for place in range(40):
        step = SCORES[place] / weights.sum() if place in places else -1 / (40 - len(places))
        sums.append(sums[-1] + step)
    line, peak = figure.data[:2]
    np.testing.assert_allclose(np.interp(range(41), line.x, line.y), sums, atol=1e-6)
    extreme = max(range(41), key=lambda i: abs(sums[i]))
    assert peak.x[0] == extreme
    assert peak.y[0] == pytest.approx(sums[extreme])
    assert peak.text[0].strip() == f"ES {sums[extreme]:.2f}"

    marks = {trace.name: trace for trace in figure.data if trace.name and "(" in trace.name}
    edge = [place for place in places if (place < extreme if score > 0 else place >= extreme)]
    drawn = marks[f"leading edge ({len(edge)})"]
    assert [name for name, _ in drawn.customdata] == [f"G{place}" for place in edge]
    assert list(drawn.x) == [place + 1 for place in edge]
    assert sum(len(trace.x) for trace in marks.values()) == len(places)
    assert figure.layout.xaxis2.title.text == "Rank of 40 genes by Signal, 1 = best"
    assert figure.layout.yaxis.title.text == "Running sum"


def test_the_sentence_says_from_which_end() -> None:
    assert "counted from the top" in gsea.running_sum_alt("A", 0.5, 3, 9, 1000, "Signal")
    told = gsea.running_sum_alt("A", -0.5, 3, 9, 1000, "Signal")
    assert "score -0.50" in told
    assert "3 of its 9 genes, counted from the end" in told
