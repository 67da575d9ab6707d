"""Precision, recall, density and coverage against the package of Naeem et al. (2020), the authors' own."""

import numpy as np
import pytest

from core.models.evaluation.manifold import manifold_metrics

prdc = pytest.importorskip("prdc", reason="the oracle is a requirement of development alone")


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize(("n_real", "n_synthetic"), [(60, 60), (80, 50), (40, 90)])
@pytest.mark.parametrize("shift", [0.0, 0.7, 3.0])
def test_all_four_are_those_of_the_authors(
    k: int, n_real: int, n_synthetic: int, shift: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """Radius: the distance to the k-th nearest other point, in both. They ask "<" where we ask "<=": alike, as no two
    distances between random points are equal."""
    rng = np.random.default_rng([k, n_real, n_synthetic])
    real = rng.normal(size=(n_real, 4))
    synthetic = shift + 0.8 * rng.normal(size=(n_synthetic, 4))
    theirs = prdc.compute_prdc(real_features=real, fake_features=synthetic, nearest_k=k)
    ours = manifold_metrics(synthetic, real, k)
    capsys.readouterr()  # they print the sizes
    assert set(ours) == set(theirs)
    for name, value in ours.items():
        assert value == pytest.approx(float(theirs[name]), abs=1e-12), name
    if shift == 0.0:
        assert all(value > 0 for value in ours.values())  # the comparison is not of zeros
