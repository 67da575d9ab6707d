"""Flow matching: what the field learns, where it carries noise, and when its training ends."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from core.models.generators import GeneratorRecipe, make_generator
from core.models.generators.flow import Flow, VelocityField, carry
from tests.models.generator_data import training_data

SMALL = {"hidden": 32, "n_components": 6}


@pytest.fixture(scope="module")
def data():
    return training_data()


def test_points_are_carried_along_a_known_field():
    """dx/dt = x + c t has the solution (x_0 + c) e^t - c (t + 1): at t = 1 that is (x_0 + c) e - 2 c."""

    class Known(torch.nn.Module):
        def forward(self, x, t, c):
            return x + c * t

    start, c = torch.tensor([[1.0], [-2.0]]), torch.tensor([[0.0], [3.0]])
    expected = (start + c) * np.e - 2 * c
    np.testing.assert_allclose(carry(Known(), start, c), expected, rtol=2e-4)


def test_the_field_of_two_gaussians_turns_noise_into_the_right_one():
    """Labels with means +2 and -2 and spread 0.5: samples have the mean and the spread of the label asked for."""
    rng = np.random.default_rng(1)
    labels = np.zeros((400, 2), bool)
    labels[:200, 0] = labels[200:, 1] = True
    y = (np.where(labels[:, :1], 2.0, -2.0) + 0.5 * rng.standard_normal((400, 2))).astype(np.float32)
    recipe = GeneratorRecipe("flow-matching", "a", hidden=64, jitter=0.0, target_share=0.5).validated()
    flow = Flow(y, labels, np.zeros(400, bool), 0, np.ones(2, np.float32), recipe, torch.device("cpu"))
    losses = [flow.step()["flow_loss"] for _ in range(800)]
    assert np.mean(losses[-50:]) < 0.5 * np.mean(losses[:10])
    source = torch.randn(1000, 2, generator=torch.Generator().manual_seed(3))
    for column, mean in enumerate((2.0, -2.0)):
        c = torch.zeros(1000, 2)
        c[:, column] = 1
        made = carry(flow.average, source, c).numpy()
        np.testing.assert_allclose(made.mean(axis=0), mean, atol=0.15)
        np.testing.assert_allclose(made.std(axis=0), 0.5, atol=0.15)


def test_training_ends_where_samples_are_as_near_as_biosamples_are_to_each_other(data):
    """Held against distances counted here, at the end and one record before it."""
    recipe = GeneratorRecipe("flow-matching", "rare", steps=1500, **SMALL)
    generator = make_generator(recipe).fit(data)
    ended = int(generator.history[-1]["step"])
    assert 15 < ended < 1500, "the target would be reached at once, or never: this test says nothing"
    shorter = make_generator(GeneratorRecipe("flow-matching", "rare", steps=ended - 15, **SMALL))
    shorter._learnt = lambda model: False
    shorter.fit(data)
    assert nearness(generator, data) <= 1.0 < nearness(shorter, data)


def nearness(generator, data):
    rows = data.column("rare")
    labels = np.zeros((rows.sum(), len(data.label_names)), bool)
    labels[:, data.label_names.index("rare")] = True
    own = generator.space.standardise(data.q[rows], labels)
    between = cdist(own, own) + np.diag(np.full(len(own), np.inf))
    asked = np.repeat(labels[:1], 300, axis=0).astype(np.float32)
    made = generator._emit(asked, np.random.default_rng(generator.recipe.seed))
    return np.median(cdist(made, own).min(axis=1)) / np.median(between.min(axis=1))


def test_training_does_not_end_before_it_has_begun(data, monkeypatch):
    """Where samples are near enough from the start, as those of a Gaussian label are, 200 steps are done."""
    generator = make_generator(GeneratorRecipe("flow-matching", "rare", steps=1500, **SMALL))
    monkeypatch.setattr(generator, "_nearness", lambda: 0.9)
    assert 200 <= generator.fit(data).history[-1]["step"] < 230


def test_labels_and_time_move_the_velocity():
    field = VelocityField(16, n_labels=2, n_components=3)
    x, c = torch.zeros(1, 3), torch.tensor([[1.0, 0.0]])
    t = torch.tensor([[0.3]])
    assert not torch.equal(field(x, t, c), field(x, t, 1 - c))
    assert not torch.equal(field(x, t, c), field(x, t + 0.1, c))


def test_samples_keep_the_distance_that_the_recipe_asks_for(data):
    """As those of the GAN do: with a distance, fewer lie right beside a training biosample."""
    near = []
    for least in (0.0, 1.5):
        recipe = GeneratorRecipe("flow-matching", "rare", steps=60, least_distance=least, **SMALL)
        generator = make_generator(recipe).fit(data)
        seen = []
        scores = generator.space.scores
        generator.space = _Watched(generator.space, scores, seen)
        generator.sample(100, "rare", 1)
        near.append(float(np.mean(generator._own_distance(seen[0]) < 1.5)))
    assert near[1] < near[0]


class _Watched:
    """An expression space that keeps the standardised vectors that are turned into scores."""

    def __init__(self, space, scores, seen):
        self._space, self._scores, self._seen = space, scores, seen

    def scores(self, y, labels):
        self._seen.append(y.copy())
        return self._scores(y, labels)

    def __getattr__(self, name):
        return getattr(self._space, name)
