"""Charts of the Samples page: what is drawn where, and in which words."""

import numpy as np
import pandas as pd
import pytest

from core.figures import samples as figures


@pytest.fixture
def genes() -> pd.DataFrame:
    return pd.DataFrame({
        "id": ["UP", "DOWN", "SMALL", "WEAK", "UNTESTED", "ZERO"],
        "log2_fold_change": [3.0, -2.0, 0.4, 2.5, 0.1, -4.0],
        "p_value": [1e-9, 1e-6, 1e-8, 0.3, np.nan, 0.0],
        "fdr": [1e-8, 1e-5, 1e-7, 0.4, np.nan, 0.0],
        "mean_a": [5.0, 1.0, 3.0, 4.0, 0.1, 0.0],
        "mean_b": [2.0, 3.0, 2.6, 1.5, 0.0, 4.0],
    })  # fmt: skip


def drawn(figure, name: str) -> list[str]:  # type: ignore[no-untyped-def]
    trace = next(trace for trace in figure.data if (trace.name or "").startswith(name))
    return list(trace.customdata)


def test_sides_need_both_thresholds(genes: pd.DataFrame) -> None:
    assert figures.higher_in(genes, 0.05, 1.0).tolist() == ["A", "B", "", "", "", "B"]
    assert figures.higher_in(genes, 0.05, 0.0).tolist() == ["A", "B", "A", "", "", "B"]


def test_a_volcano_has_every_tested_gene_by_its_id(genes: pd.DataFrame) -> None:
    figure = figures.volcano(genes, 0.05, 1.0, chosen="WEAK")
    assert drawn(figure, "higher in A") == ["UP"]
    assert drawn(figure, "higher in B") == ["DOWN", "ZERO"]
    assert drawn(figure, "no clear difference") == ["SMALL", "WEAK"]
    up = next(trace for trace in figure.data if trace.name.startswith("higher in A"))
    assert up.type == "scattergl"
    np.testing.assert_allclose([up.x[0], up.y[0]], [3.0, 9.0])
    zero = next(trace for trace in figure.data if trace.name.startswith("higher in B"))
    assert np.isfinite(zero.y).all()
    assert any(trace.name == "WEAK" for trace in figure.data)
    assert {"UP", "DOWN"} <= {note.text for note in figure.layout.annotations}
    assert "log2 fold change" in figure.layout.xaxis.title.text
    assert "log10 p" in figure.layout.yaxis.title.text


def test_names_do_not_lie_on_each_other() -> None:
    n = 300
    genes = pd.DataFrame({
        "id": [f"G{i}" for i in range(n)], "log2_fold_change": np.linspace(1, 3, n), "p_value": np.full(n, 1e-10),
        "fdr": np.full(n, 1e-9),
    })  # fmt: skip
    genes.loc[0, ["log2_fold_change", "p_value"]] = [-3.0, 0.9]
    notes = [note for note in figures.volcano(genes, 0.05, 1.0).layout.annotations if note.text.startswith("G")]
    places = sorted(note.x for note in notes)
    assert len(places) > 1
    assert min(np.diff(places)) >= figures.APART[0] * 6.0 - 1e-9


def test_without_a_test_change_is_drawn_against_mean(genes: pd.DataFrame) -> None:
    figure = figures.mean_difference(genes.assign(p_value=np.nan, fdr=np.nan))
    assert drawn(figure, "genes") == genes["id"].tolist()
    np.testing.assert_allclose(figure.data[0].x, (genes["mean_a"] + genes["mean_b"]) / 2, rtol=1e-6)
    np.testing.assert_allclose(figure.data[0].y, genes["log2_fold_change"], rtol=1e-6)


def test_a_gene_in_both_carts_has_every_biosample_and_its_quartiles() -> None:
    rng = np.random.default_rng(1)
    values = pd.DataFrame({
        "sample_id": [f"S{i}" for i in range(30)], "cart": ["A"] * 12 + ["B"] * 18, "labels": "liver",
        "series_id": "GSE1", "value": rng.random(30),
    })  # fmt: skip
    figure = figures.by_cart(values, "ALB")
    boxes = [trace for trace in figure.data if trace.type == "box"]
    points = [trace for trace in figure.data if trace.type == "scattergl"]
    a = values.loc[values["cart"] == "A", "value"]
    np.testing.assert_allclose([boxes[0].q1[0], boxes[0].median[0], boxes[0].q3[0]], a.quantile([0.25, 0.5, 0.75]))
    assert [len(trace.y) for trace in points] == [12, 18]
    assert figure.layout.xaxis.ticktext == ("Cart A (12)", "Cart B (18)")
    assert f"{a.median():.2f}" in figures.gene_alt(values, "ALB")


def test_alternative_texts_hold_the_figures(genes: pd.DataFrame) -> None:
    text = figures.comparison_alt(genes, 0.05, 1.0)
    assert "5 genes" in text
    assert "1 higher in cart A (UP first)" in text
    assert "2 higher in cart B (ZERO, DOWN first)" in text
    untested = figures.comparison_alt(genes.assign(p_value=np.nan), 0.05, 1.0)
    assert "without a test" in untested
    assert "ZERO -4.0" in untested
    points = pd.DataFrame({"sample_id": ["a", "b", "c"], "x": [1.0, 3.0, 9.0], "y": [0.0, 2.0, 9.0]})
    told = figures.map_alt(points, {"A": ["a", "b"], "B": []})
    assert told == "Map of 3 biosamples on two principal components: 2 of cart A around (2.0, 1.0) and 0 of cart B"
