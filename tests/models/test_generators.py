"""What every generator has to do: recipes, seeds, the way back to all genes, saving and loading."""

import json

import numpy as np
import pytest

from core.errors import InputError, NotFoundError, RecipeError, StoreError
from core.models.generators import MODELS, GeneratorRecipe, TrainingData, load_generator, make_generator
from core.models.generators.conditional import nearest_distances
from core.models.generators.space import ExpressionSpace
from tests.models.generator_data import training_data

SMALL = {"steps": 6, "hidden": 16, "latent": 8, "batch": 16, "n_components": 6}


def _recipe(model, **changes):
    return GeneratorRecipe(model, "rare", **{**SMALL, **changes})


@pytest.fixture(scope="module")
def data():
    return training_data()


@pytest.fixture(scope="module", params=MODELS)
def fitted(request, data):
    return make_generator(_recipe(request.param)).fit(data)


def test_samples_have_all_genes_and_the_values_of_real_ones(fitted, data):
    """Zeros with the one value that they share, ties of small counts: as some training biosample of the label has."""
    profiles = fitted.sample(30, "rare", seed=3)
    assert profiles.shape == (30, data.q.shape[1]) and profiles.dtype == np.float32
    real = {tuple(row) for row in np.sort(data.rows_of("rare"), axis=1).tolist()}
    made = {tuple(row) for row in np.sort(profiles, axis=1).tolist()}
    assert made <= real and len(made) > len(real) / 2


def test_other_labels_of_the_gan_have_the_stored_distribution(data):
    profiles = make_generator(_recipe("wgan-gp")).fit(data).sample(7, "common", seed=3)
    assert np.isfinite(profiles).all() and (profiles >= 0).all()
    assert np.sort(profiles, axis=1).sum(axis=1) == pytest.approx(np.full(7, data.target.sum()), rel=1e-5)


def test_ranks_stay_where_values_are_exchanged(data):
    generator = make_generator(_recipe("pca-gaussian")).fit(data)
    raw = generator._draw(5, "rare", np.random.default_rng(1))
    worn = generator._with_values(raw, "rare", np.random.default_rng(2))
    for before, after in zip(raw, worn, strict=True):
        assert (np.diff(after[np.argsort(before, kind="stable")]) >= 0).all()


def test_seeds_reproduce(fitted, data):
    first = fitted.sample(5, "rare", seed=3)
    assert np.array_equal(first, fitted.sample(5, "rare", seed=3))
    assert not np.array_equal(first, fitted.sample(5, "rare", seed=4))
    again = make_generator(fitted.recipe).fit(data)
    assert np.array_equal(first, again.sample(5, "rare", seed=3))
    assert again.history == fitted.history


def test_save_and_load_round_trip(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    loaded = load_generator(tmp_path / "model")
    assert type(loaded) is type(fitted)
    assert loaded.recipe == fitted.recipe and loaded.history == fitted.history and loaded.labels == fitted.labels
    assert np.array_equal(loaded.sample(4, "rare", 9), fitted.sample(4, "rare", 9))
    assert {path.suffix for path in (tmp_path / "model").iterdir()} == {".json", ".safetensors"}


def test_unknown_labels_and_empty_requests_are_refused(fitted):
    with pytest.raises(NotFoundError, match="no label 'spleen'"):
        fitted.sample(2, "spleen", 1)
    with pytest.raises(InputError, match="at least 1"):
        fitted.sample(0, "rare", 1)


@pytest.mark.parametrize("model", MODELS)
def test_a_label_too_rare_or_unknown_is_refused(model, data):
    few = data.labels.copy()
    few[np.flatnonzero(few[:, 1])[3:], 1] = False
    with pytest.raises(InputError, match="3 training biosamples"):
        make_generator(_recipe(model)).fit(TrainingData(data.q, few, data.label_names, data.target))
    with pytest.raises(NotFoundError, match="spleen"):
        make_generator(GeneratorRecipe(model, "spleen", **SMALL)).fit(data)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "diffusion"}, "unknown"),
        ({"label": ""}, "label"),
        ({"steps": -1}, "steps"),
        ({"batch": 1}, "batch"),
        ({"ema": 1.0}, "ema"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"penalty": "ten"}, "penalty"),
        ({"n_components": True}, "n_components"),
        ({"seed": -5}, "seed"),
        ({"latent": 6.5}, "latent"),
    ],
)
def test_bad_recipes_are_refused(changes, words):
    with pytest.raises(RecipeError, match=words):
        make_generator(GeneratorRecipe(**{"label": "rare", **changes}))


def test_recipes_survive_json():
    recipe = GeneratorRecipe("published", "brain", seed=4, latent=10).validated()
    assert GeneratorRecipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    assert recipe.validated() == recipe and recipe.steps > 1 and recipe.learning_rate > 0
    assert recipe.canonical() == GeneratorRecipe("published", "brain", seed=4, latent=10).validated().canonical()
    with pytest.raises(RecipeError, match="colour"):
        GeneratorRecipe.from_json({"model": "smote", "label": "brain", "colour": 1})
    with pytest.raises(RecipeError, match="version 99"):
        GeneratorRecipe.from_json({"version": 99, "label": "brain"})


def test_damaged_folders_are_refused(tmp_path, data):
    with pytest.raises(StoreError, match="card"):
        load_generator(tmp_path)
    make_generator(_recipe("smote")).fit(data).save(tmp_path)
    (tmp_path / "generator.safetensors").write_bytes(b"broken")
    with pytest.raises(StoreError, match="train it again"):
        load_generator(tmp_path)
    (tmp_path / "generator.json").write_text('{"model": "other"}')
    with pytest.raises(StoreError, match="other"):
        load_generator(tmp_path)
    (tmp_path / "generator.json").write_text("[]")
    with pytest.raises(StoreError, match="not a generator card"):
        load_generator(tmp_path)


def test_a_gan_that_learnt_by_heart_gets_noise_and_keeps_its_distance(data):
    """Few biosamples and many steps without jitter: samples on top of training ones, but for the noise."""
    generator = make_generator(_recipe("wgan-gp", steps=5, jitter=0.0)).fit(data)
    own = generator.space.standardise(data.rows_of("rare"), data.labels[data.column("rare")])
    usual = np.median([min(np.linalg.norm(a - b) for j, b in enumerate(own) if j != i) for i, a in enumerate(own)])
    assert np.median(nearest_distances(own, own, skip_self=True)) == pytest.approx(usual)
    column = data.label_names.index("rare")

    def copies(labels, rng):
        y = own[rng.integers(len(own), size=len(labels))]
        noise = generator.noise * generator.space.importance * rng.standard_normal(y.shape)
        return (y + noise) / np.sqrt(1 + generator.noise**2)

    generator._standardised = copies
    generator._add_noise()
    labels = np.zeros((300, 3), bool)
    labels[:, column] = True
    made = copies(labels, np.random.default_rng(7))
    assert generator.noise > 0
    assert np.median(nearest_distances(made, own)) >= 0.75 * usual


def test_no_sample_is_nearer_to_a_training_biosample_than_the_recipe_allows(data, monkeypatch):
    """Held against distances counted one by one, on samples before their residual is added."""
    seen = []
    scores = ExpressionSpace.scores
    monkeypatch.setattr(ExpressionSpace, "scores", lambda self, y, labels: seen.append(y) or scores(self, y, labels))

    def of(least_distance):
        generator = make_generator(_recipe("wgan-gp", steps=5, least_distance=least_distance)).fit(data)
        seen.clear()
        generator.sample(200, "rare", seed=3)
        return generator, np.concatenate(seen)

    generator, free = of(0.0)
    rare = data.rows_of("rare")
    own = generator.space.standardise(rare, np.tile(np.array(data.label_names) == "rare", (len(rare), 1)))

    def relative(points):
        nearest = [min(np.linalg.norm(a - b) for j, b in enumerate(own) if j != i) for i, a in enumerate(own)]
        to_own = [[np.linalg.norm(point - a) for a in own] for point in points]
        return np.array([min(row) / nearest[int(np.argmin(row))] for row in to_own])

    limit = float(np.quantile(relative(free), 0.3))
    _, kept = of(limit)
    assert (relative(free) < limit).mean() > 0.2
    assert len(kept) == 200
    assert relative(kept).min() >= limit * (1 - 1e-9)


def test_where_every_sample_is_too_near_the_farthest_are_taken(data):
    generator = make_generator(_recipe("wgan-gp", steps=5, least_distance=10.0)).fit(data)
    made = generator.sample(20, "rare", seed=3)
    assert made.shape == (20, len(data.target))
    assert np.isfinite(made).all()
