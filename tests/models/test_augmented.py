"""Synthetic samples in training: made from the training part alone, in the model's fit alone, judged by real ones."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from core.errors import RecipeError
from core.expression.normalise import fit_target, to_target_rounded
from core.models import augmented, classifier, judging
from core.models.augmented import Part, synthetic_rows, usual_size
from core.models.calibration import fit_calibration
from core.models.classifier import TissueClassifier
from core.models.folds import plan_folds, score_fold
from core.models.generators import TrainingData, make_generator
from core.models.recipe import ClassifierRecipe
from core.models.validation import Validation, evaluate_classifier
from tests.models.small_tissues import NAMES, Tissues, simulate

PLAIN = ClassifierRecipe(trees=15, genes=60, n_folds=3, min_leaf=1, balanced=True)
RECIPE = dataclasses.replace(PLAIN, augment=("brain",), augment_to=40)


@pytest.fixture(scope="module")
def data() -> Tissues:
    """Four tissues of seven series, of which brain is rare: 14 biosamples."""
    whole = simulate(130, n_series=7)
    rare = np.flatnonzero(whole.labels[:, 1])[14:]
    kept = np.setdiff1d(np.arange(130), rare)
    return Tissues(whole.counts[kept], whole.labels[kept], [whole.series[row] for row in kept])


class Spy:
    """Notes what every generator was fitted on and what it made, and lets it do its work."""

    def __init__(self) -> None:
        self.fits: list[TrainingData] = []
        self.made: list[np.ndarray] = []

    def make(self, recipe: Any) -> Any:
        generator, spy = make_generator(recipe), self
        fit, sample = generator.fit, generator.sample

        def watched_fit(part: TrainingData, *args: Any) -> Any:
            spy.fits.append(part)
            return fit(part, *args)

        def watched_sample(n: int, label: str, seed: int) -> np.ndarray:
            spy.made.append(sample(n, label, seed))
            return spy.made[-1]

        generator.fit, generator.sample = watched_fit, watched_sample
        return generator


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Spy:
    found = Spy()
    monkeypatch.setattr(augmented, "make_generator", found.make)
    return found


def evaluated(data: Tissues, recipe: ClassifierRecipe = RECIPE) -> Validation:
    return evaluate_classifier(data.counts, data.labels, NAMES, data.series, recipe)


def test_every_fold_fits_its_generator_on_its_training_part_alone(data: Tissues, spy: Spy) -> None:
    evaluated(data)
    plan = plan_folds(data.labels, NAMES, data.series, RECIPE)
    assert len(spy.fits) == len(plan.folds) == 4
    for part, fold in zip(spy.fits, plan.folds, strict=True):
        target = fit_target([data.counts[fold.train]])
        np.testing.assert_array_equal(part.target, target)
        np.testing.assert_array_equal(part.q, to_target_rounded(data.counts[fold.train], target))
        np.testing.assert_array_equal(part.labels, data.labels[fold.train])


def test_other_values_in_the_test_part_leave_generator_inputs_and_samples_bit_identical(
    data: Tissues, spy: Spy
) -> None:
    evaluated(data)
    plan = plan_folds(data.labels, NAMES, data.series, RECIPE)
    changed = data.counts.copy()
    tested = plan.folds[2].test
    changed[tested] = np.random.default_rng(0).permuted(changed[tested], axis=1) * 3
    evaluated(data._replace(counts=changed))
    before, after = spy.fits[2], spy.fits[4 + 2]
    assert before.q.tobytes() == after.q.tobytes()
    assert before.target.tobytes() == after.target.tobytes()
    assert spy.made[2].tobytes() == spy.made[4 + 2].tobytes()
    assert spy.fits[1].q.tobytes() != spy.fits[4 + 1].q.tobytes()  # there they were trained on


def test_scores_count_real_biosamples_once_with_and_without(data: Tissues) -> None:
    found, plain = evaluated(data), evaluated(data, PLAIN)
    columns = ["position", "split", "fold", "true"]
    assert found.predictions[columns].equals(plain.predictions[columns])
    for split, n in (("random", int(np.ceil(0.33 * len(data.labels)))), ("series", len(data.labels))):
        of_split = found.summary["splits"][split]
        assert sum(of_split["n_test"]) == n == found.summary["augmentation"]["splits"][split]["n"]
        assert of_split["n_train"] == plain.summary["splits"][split]["n_train"]
        truth = data.labels[found.predictions.loc[found.predictions["split"] == split, "position"]]
        assert [row["support"] for row in of_split["model"]["per_label"]] == truth.sum(axis=0).tolist()


def test_without_is_the_very_model_that_a_training_without_them_gives(data: Tissues) -> None:
    found, plain = evaluated(data), evaluated(data, PLAIN)
    for split in ("random", "series"):
        assert found.summary["splits"][split]["without_augmentation"] == plain.summary["splits"][split]["model"]
        assert found.summary["splits"][split]["published_forest"] == plain.summary["splits"][split]["published_forest"]
    assert "augmentation" not in plain.summary
    assert "without_augmentation" not in plain.summary["splits"]["series"]


def test_synthetic_rows_enter_the_fit_of_the_model_and_nothing_else(
    data: Tissues, spy: Spy, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: dict[str, list[int]] = {}

    def watch(module: Any, name: str, size: Any) -> None:
        original = getattr(module, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            rows.setdefault(name, []).append(size(args))
            return original(*args, **kwargs)

        monkeypatch.setattr(module, name, watched)

    watch(classifier, "fit_model", lambda args: len(args[0]))
    watch(classifier, "choose_settings", lambda args: len(args[0]))
    watch(classifier, "unseen_votes", lambda args: len(args[1]))
    watch(classifier, "fit_thresholds", lambda args: len(args[0]))
    n, own = len(data.labels), int(data.labels[:, 1].sum())
    fit = TissueClassifier().fit(data.counts, data.labels, NAMES, RECIPE, series=data.series)
    plain = TissueClassifier().fit(data.counts, data.labels, NAMES, PLAIN, series=data.series)
    assert rows["fit_model"] == [n + 40 - own, n]
    assert rows["choose_settings"] == rows["unseen_votes"] == [n, n]
    assert rows["fit_thresholds"][0] == n - own  # what the rows were made from does not judge, either
    assert [len(made) for made in spy.made] == [40 - own]
    for name in ("target", "gene_index", "medians", "reference"):
        np.testing.assert_array_equal(getattr(fit, name), getattr(plain, name))
    assert fit.settings == plain.settings and fit.novelty is not None and plain.novelty is not None
    np.testing.assert_array_equal(fit.novelty.units, plain.novelty.units)
    np.testing.assert_array_equal(fit.novelty.usual, plain.novelty.usual)
    assert list(fit.added) == [{"label": "brain", "real": own, "added": 40 - own, "status": "added"}]


@pytest.mark.parametrize("family", ["forest", "linear"])
def test_calibration_is_that_of_real_biosamples_of_labels_that_were_not_filled_up(
    data: Tissues, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    given: list[tuple[np.ndarray, np.ndarray]] = []

    def watched(votes: np.ndarray, bits: np.ndarray, seed: int) -> Any:
        given.append((votes, bits))
        return fit_calibration(votes, bits, seed)

    monkeypatch.setattr(classifier, "fit_calibration", watched)
    recipe = dataclasses.replace(RECIPE, family=family)
    model = TissueClassifier().fit(data.counts, data.labels, NAMES, recipe, series=data.series)
    [(votes, bits)] = given
    np.testing.assert_array_equal(bits, data.labels[~data.labels[:, 1]])
    assert len(votes) == len(bits) and not bits[:, 1].any()
    assert 0.1 <= model.thresholds[1] <= 0.9


def test_out_of_bag_votes_are_those_of_the_real_rows(data: Tissues) -> None:
    """By hand: of every tree that did not draw the biosample, whatever synthetic rows it drew."""
    target = fit_target([data.counts])
    part = Part(data.counts.__getitem__, data.labels, NAMES, target)
    genes = np.arange(60)
    made = synthetic_rows(part, genes, RECIPE)
    x = to_target_rounded(data.counts, target)[:, genes]
    more, sets = np.concatenate([x, made.x]), np.concatenate([data.labels, made.bits])
    model = classifier.fit_model(more, sets, classifier.Settings(genes=60, trees=15), RECIPE)
    votes, judged = judging.unseen_votes(model, x, data.labels, classifier.Settings(genes=60), 1, made)
    row = int(np.flatnonzero(judged)[3])
    drawn = zip(model.trees.estimators_, model.trees.estimators_samples_, strict=True)
    trees = [tree for tree, rows in drawn if row not in rows]
    by_hand = np.mean([tree.predict_proba(x[[row]])[0] for tree in trees], axis=0)
    np.testing.assert_allclose(votes[row], model.sets.marginals(by_hand[None])[0])
    assert len(votes) == len(judged) == len(data.labels)


def test_labels_with_enough_or_too_few_biosamples_get_nothing(data: Tissues, spy: Spy) -> None:
    labels = np.column_stack([data.labels, np.zeros(len(data.labels), dtype=bool)])
    labels[:3, 4] = True
    part = Part(data.counts.__getitem__, labels, [*NAMES, "bone"], fit_target([data.counts]))
    recipe = dataclasses.replace(PLAIN, augment=("bone", "blood", "spleen"), augment_to=10)
    made = synthetic_rows(part, np.arange(20), recipe)
    assert made.x.shape == (0, 20) and made.bits.shape == (0, 5) and not spy.fits
    assert [(row["label"], row["real"], row["added"]) for row in made.report] == [
        ("bone", 3, 0), ("blood", int(labels[:, 0].sum()), 0), ("spleen", 0, 0)
    ]  # fmt: skip
    assert made.judges(labels).all()


def test_a_part_where_nothing_is_added_gives_the_same_model(data: Tissues) -> None:
    nothing = evaluated(data, dataclasses.replace(RECIPE, augment_to=5))
    plain = evaluated(data, PLAIN)
    assert nothing.predictions.equals(plain.predictions)
    [row] = nothing.summary["augmentation"]["splits"]["series"]["labels"]
    assert row["average_precision"]["difference"] == 0.0


def test_samples_carry_the_usual_label_set_and_count_for_each_of_its_labels(data: Tissues) -> None:
    labels = np.column_stack([data.labels, data.labels[:, 1]])  # every brain is a head, too
    part = Part(data.counts.__getitem__, labels, [*NAMES, "head"], fit_target([data.counts]))
    made = synthetic_rows(part, np.arange(30), dataclasses.replace(RECIPE, augment=("brain", "head")))
    own = int(labels[:, 1].sum())
    assert [row["added"] for row in made.report] == [40 - own, 0]
    np.testing.assert_array_equal(made.bits, np.tile([False, True, False, False, True], (40 - own, 1)))
    assert made.labels.tolist() == [1]


def test_a_label_is_filled_up_to_the_median_of_the_others_at_least_30() -> None:
    sizes = [10, 50, 70, 60]
    bits = np.zeros((190, 4), dtype=bool)
    bits[np.arange(190), np.repeat(np.arange(4), sizes)] = True
    assert usual_size(bits, 0) == 60
    assert usual_size(bits[:20], 0) == 30


@pytest.mark.parametrize("model", ["smote", "bootstrap", "wgan-gp"])
def test_any_generator_can_fill_up(data: Tissues, model: str) -> None:
    recipe = dataclasses.replace(RECIPE, augment_model=model, augment_steps=3)
    plan = plan_folds(data.labels, NAMES, data.series, recipe)
    found = score_fold(plan, plan.folds[1], data.counts.__getitem__)
    assert found.plain is not None and found.added[0]["added"] > 0
    assert found.model[0].shape == found.plain[0].shape == (len(plan.folds[1].test), 4)


def test_a_label_that_cannot_be_filled_up_is_refused_before_anything_is_fitted(data: Tissues) -> None:
    for label in ("spleen", "skin"):
        with pytest.raises(RecipeError, match=rf"{label}.*Choose of blood, brain, liver, lung"):
            plan_folds(data.labels, NAMES, data.series, dataclasses.replace(RECIPE, augment=(label,)))


def test_progress_goes_from_nothing_to_all(data: Tissues) -> None:
    shares: list[float] = []
    evaluate_classifier(
        data.counts, data.labels, NAMES, data.series, RECIPE,
        lambda stage, done, total, **_: shares.append(done / total),
    )  # fmt: skip
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_a_saved_model_keeps_its_recipe(data: Tissues, tmp_path: Any) -> None:
    model = TissueClassifier().fit(data.counts, data.labels, NAMES, RECIPE, series=data.series)
    model.save(tmp_path)
    again = TissueClassifier.load(tmp_path)
    assert again.recipe == RECIPE
    q = model.normalise(data.counts[:5])
    np.testing.assert_array_equal(again.probabilities(q), model.probabilities(q))


def test_recipes_without_augmentation_are_written_as_before() -> None:
    assert "augment" not in PLAIN.to_json()
    assert ClassifierRecipe.from_json(PLAIN.to_json()) == PLAIN
    assert ClassifierRecipe.from_json(RECIPE.to_json()) == RECIPE
    assert ClassifierRecipe(augment=["b", "a", "b"]).validated().augment == ("b", "a")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"augment": "brain"}, "augment is 'brain'"), ({"augment": [1]}, "augment is"),
        ({"augment_model": "vae"}, "augment_model is 'vae'"), ({"augment_to": 2}, "augment_to is 2"),
        ({"augment_steps": 0}, "augment_steps is 0"), ({"augment_steps": None}, "augment_steps is None"),
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_named(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        ClassifierRecipe(**wrong).validated()
