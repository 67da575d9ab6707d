"""Charts of the Synthetic page."""

import numpy as np
import pandas as pd
import pytest

from core.figures import palette, synthetic


@pytest.fixture
def points() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sample_id": ["GSM1", "GSM2", "SYN1", "GSM3"],
            "kind": ["real brain", "other", "synthetic brain", "other"],
            "label": ["brain", "liver", "brain", "skin"],
            "PC1": [0.0, 1.0, 2.0, 3.0],
            "PC2": [0.0, -1.0, -2.0, -3.0],
        }
    )


def test_projection_draws_others_first_and_names_every_point(points: pd.DataFrame) -> None:
    traces = synthetic.projection(points, "brain").data
    assert [trace.name for trace in traces] == ["other real biosamples (2)", "real brain (1)", "synthetic brain (1)"]
    assert [list(trace.customdata) for trace in traces] == [["GSM2", "GSM3"], ["GSM1"], ["SYN1"]]
    assert traces[2].marker.color == palette.SYNTHETIC
    assert traces[1].marker.symbol != traces[2].marker.symbol  # not by colour alone


def test_projection_joins_the_chosen_to_its_nearest_real(points: pd.DataFrame) -> None:
    mark = synthetic.projection(points, "brain", chosen="SYN1", nearest="GSM1").data[-1]
    assert (list(mark.x), list(mark.y)) == ([2.0, 0.0], [-2.0, 0.0])


def test_projection_ignores_a_chosen_sample_that_is_not_there(points: pd.DataFrame) -> None:
    assert len(synthetic.projection(points, "brain", chosen="SYN9", nearest="GSM1").data) == 3


def test_gene_agreement_leaves_zeros_out_of_log_axes_and_says_so() -> None:
    genes = pd.DataFrame({"symbol": ["A", "B", "C"], "real_mean": [1.0, 0.0, 4.0], "synthetic_mean": [2.0, 1.0, 5.0]})
    figure = synthetic.gene_agreement(genes, "mean", "brain")
    cloud, identity = figure.data
    assert list(cloud.text) == ["A", "C"]
    assert list(identity.x) == list(identity.y) == [1.0, 5.0]
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert "1 genes at 0 not shown" in figure.layout.xaxis.title.text


def test_share_of_zeros_has_linear_axes_and_every_gene() -> None:
    genes = pd.DataFrame({"symbol": ["A", "B"], "real_zero": [0.0, 0.5], "synthetic_zero": [0.1, 0.4]})
    figure = synthetic.gene_agreement(genes, "zero", "brain")
    assert list(figure.data[0].x) == [0.0, 0.5]
    assert figure.layout.xaxis.type is None


def test_distance_histogram_uses_common_bins_and_shares() -> None:
    distances = pd.DataFrame(
        {"kind": ["real brain"] * 4 + ["synthetic brain"] * 2, "distance": [0.0, 1.0, 1.0, 10.0, 1.0, 10.0]}
    )
    real, made = synthetic.distance_histogram(distances, "brain", bins=10).data
    np.testing.assert_allclose(real.x, made.x)
    np.testing.assert_allclose(real.x, np.arange(10) + 0.5)
    np.testing.assert_allclose(real.y[[0, 1, 9]], [0.25, 0.5, 0.25])
    np.testing.assert_allclose(made.y[[1, 9]], [0.5, 0.5])
    assert made.marker.color == palette.SYNTHETIC


def test_heatmap_parts_real_rows_from_synthetic_ones() -> None:
    values = pd.DataFrame([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], index=["GSM1", "GSM2", "SYN1"], columns=["A", "B"])
    figure = synthetic.heatmap(values, ["real brain", "real brain", "synthetic brain"], "log2")
    assert figure.layout.shapes[0].y0 == 1.5
    assert list(figure.layout.yaxis.tickvals) == [0.5, 2.0]
    assert list(figure.layout.yaxis.ticktext) == ["real", "synthetic"]
    np.testing.assert_allclose(figure.data[0].z, values)
    assert figure.data[0].customdata[2][0] == "SYN1 (synthetic brain)"
    assert list(figure.layout.xaxis.ticktext) == ["A", "B"]
