"""Genes that few biosamples express add to the cosines what the plain product says, whatever way they take."""

import numpy as np
import pytest

from core.expression import neighbourhood, normalise
from core.expression.rare import RareGenes, is_rare

N, GENES = 60, 90


@pytest.fixture(params=[0, 1])
def made(request, rng):
    """Counts with rare genes, everyday genes and one never seen; Y by gene, lengths of profiles, and the floors."""
    rate = np.where(np.arange(GENES) < 50, 0.02, 3.0)
    counts = rng.poisson(rate, (N, GENES)).astype(np.uint32)
    counts[:, 0] = 0
    counts[3] = 0 if request.param else counts[3]  # an empty biosample
    counts[4] += 1  # one without any zero
    length = rng.uniform(0.2, 9.0, GENES)
    target = normalise.fit_target([counts])
    y, norms = normalise.profiles_by_gene(counts, target, np.arange(GENES), length)
    floor = normalise.value_of_zero((counts == 0).sum(axis=1), target)
    return counts, length, target, y, norms, floor


def test_the_value_of_zero_is_that_of_the_map(made):
    counts, _, target, _, _, floor = made
    q = normalise.to_target(counts, target)
    for i in range(N):
        zeros = counts[i] == 0
        np.testing.assert_array_equal(q[i, zeros], np.repeat(floor[i], zeros.sum()))
        assert zeros.any() or floor[i] == 0.0


@pytest.mark.parametrize("step", [1, 7, 90])
def test_cosines_are_those_of_the_plain_product(made, step):
    counts, length, _, y, norms, floor = made
    rare = is_rare((counts > 0).sum(axis=0), N)
    assert 30 < rare.sum() < 60
    tiles = (y[a : a + step] for a in range(0, GENES, step))
    found = neighbourhood.gram(tiles, norms, RareGenes(floor, rare, length))
    unit = np.divide(y.T.astype(np.float64), norms[:, None], out=np.zeros((N, GENES)), where=norms[:, None] > 0)
    np.testing.assert_allclose(np.tril(found), np.tril(unit @ unit.T), atol=6e-7)
    assert not np.triu(found, 1).any()


def test_without_rare_genes_nothing_is_taken_out(made):
    _, length, _, y, norms, floor = made
    nobody = RareGenes(floor, np.zeros(GENES, dtype=bool), length)
    tile = y[:5]
    assert nobody.take(tile, np.zeros((N, N), dtype=np.float32)) is tile
    np.testing.assert_array_equal(neighbourhood.gram([y], norms, nobody), neighbourhood.gram([y], norms))


def test_one_biosample_in_twenty_is_the_edge():
    assert is_rare(np.array([0, 5, 6]), 100).tolist() == [True, True, False]
