import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score

from core.errors import CancelledError, InputError
from core.expression.normalise import to_target
from core.models.augmentation import ARMS, Replicate
from core.models.augmentation.parts import hold_out
from core.models.augmentation.replicate import fit_arms, plan, run_replicate, top_up
from tests.models.augmentation.samples import hard, made, quick, samples
from tests.models.generator_data import NAMES


def parts_of(found, recipe, seed=1):
    return hold_out(found.of("rare"), found.labels, found.series, recipe.sizes, recipe.most, seed)


def test_nothing_but_the_training_part_is_fitted_on():
    counts, labels = hard()
    recipe, read = quick(sizes=(5,)), set()
    first = samples(counts, labels, log=read)
    parts = parts_of(first, recipe)
    train = {*parts.others.tolist(), *parts.pool[:5].tolist()}
    before = fit_arms(first, parts, 5, recipe, 1)
    assert read == train
    changed = counts.copy()
    unseen = sorted(set(range(120)) - train)  # the test part, and the label's biosamples that were not drawn
    changed[unseen] = np.random.default_rng(9).poisson(500, (len(unseen), counts.shape[1]))
    after = fit_arms(samples(changed, labels), parts, 5, recipe, 1)
    np.testing.assert_array_equal(before.target, after.target)
    np.testing.assert_array_equal(before.genes, after.genes)
    probe = np.random.default_rng(2).random((30, len(before.genes))) * 10
    assert set(before.models) == set(ARMS)
    for arm in ARMS:
        np.testing.assert_array_equal(before.models[arm].votes(probe), after.models[arm].votes(probe))
    one = run_replicate(first, recipe, Replicate(1, 5))
    other = run_replicate(samples(changed, labels), recipe, Replicate(1, 5))
    assert any(one["arms"][arm]["average_precision"] != other["arms"][arm]["average_precision"] for arm in ARMS)


def test_a_changed_training_biosample_changes_the_models():
    counts, labels = hard()
    recipe = quick(sizes=(5,), arms=("none",))
    first = samples(counts, labels)
    parts = parts_of(first, recipe)
    changed = counts.copy()
    changed[parts.pool[0]] = 1000 - changed[parts.pool[0]].clip(0, 1000)
    fitted = [fit_arms(samples(values, labels), parts, 5, recipe, 1) for values in (counts, changed)]
    assert not np.array_equal(fitted[0].target, fitted[1].target)


def test_the_plain_arm_by_plain_loops():
    counts, labels = hard()
    recipe = quick(sizes=(8,), arms=("none",), genes=120)
    found = samples(counts, labels)
    parts = parts_of(found, recipe, seed=2)
    train = sorted([*parts.others, *parts.pool[:8]])
    target = np.mean([np.sort(np.log2(1.0 + counts[row])) for row in train], axis=0)
    fitted = fit_arms(found, parts, 8, recipe, 2)
    np.testing.assert_allclose(fitted.target, target, atol=1e-9)
    x = to_target(counts, fitted.target).astype(np.float32)[:, fitted.genes]
    sets, codes = np.unique(labels[train], axis=0, return_inverse=True)
    forest = RandomForestClassifier(12, max_features="sqrt", random_state=2).fit(x[train], codes.ravel())
    rare = sets[:, NAMES.index("rare")]
    expected = average_precision_score(labels[parts.test, 1], forest.predict_proba(x[parts.test])[:, rare].sum(axis=1))
    measured = run_replicate(found, recipe, Replicate(2, 8))
    assert expected < 0.99  # else anything would do
    assert measured["arms"]["none"]["average_precision"] == pytest.approx(expected)
    assert measured["n"] == 8
    assert measured["test_positive"] == labels[parts.test, 1].sum()
    assert measured["test_positive"] + measured["test_negative"] == len(parts.test)


def test_every_arm_adds_the_same_number_up_to_the_median_of_the_others(monkeypatch):
    from core.models.augmentation import replicate

    seen = []
    fit = replicate.fit_model
    monkeypatch.setattr(
        replicate, "fit_model", lambda x, bits, *a, **k: seen.append((x, bits)) or fit(x, bits, *a, **k)
    )
    found, recipe = made(), quick(sizes=(6,))
    parts = parts_of(found, recipe)
    fitted = fit_arms(found, parts, 6, recipe, 1)
    train = np.sort(np.concatenate([parts.others, parts.pool[:6]]))
    sizes = sorted(int(found.labels[train, column].sum()) for column in (0, 2))
    goal = max(30, int(sum(sizes) / 2))
    assert fitted.added == goal - 6
    held = {arm: int(bits[:, 1].sum()) for arm, (_, bits) in zip(ARMS, seen, strict=True)}
    assert held == {"none": 6, "class-weights": 6} | dict.fromkeys(ARMS[2:], goal)
    real = seen[0][0]
    for x, bits in seen[2:]:
        np.testing.assert_array_equal(x[: len(real)], real)
        assert bits[len(real) :, 1].all()
    repeated = seen[2][0][len(real) :]
    own = real[found.labels[train, 1]]
    assert all((row == own).all(axis=1).any() for row in repeated)  # oversampling repeats, the others do not
    assert not any((row == own).all(axis=1).any() for row in seen[5][0][len(real) :])


def test_top_up_is_at_least_thirty():
    bits = np.zeros((100, 4), bool)
    bits[:5, 0] = bits[5:15, 1] = bits[15:40, 2] = True
    assert top_up(bits, 0) == 30
    bits[:70, 1] = bits[:40, 2] = bits[:60, 3] = True
    assert top_up(bits, 0) == 60


def test_too_few_is_none_and_not_zero():
    found = run_replicate(made(), quick(sizes=(2,)), Replicate(1, 2))
    for arm in ("smote", "pca-gaussian", "wgan-gp", "flow-matching"):
        assert found["arms"][arm]["status"] == "too few"
        assert found["arms"][arm]["average_precision"] is None
        assert found["arms"][arm]["recall_at_95"] is None
    for arm in ("none", "class-weights", "oversampling"):
        assert found["arms"][arm]["status"] == "ok"
        assert 0 <= found["arms"][arm]["average_precision"] <= 1


def test_four_are_enough():
    found = run_replicate(made(), quick(sizes=(4,)), Replicate(1, 4))
    assert {arm["status"] for arm in found["arms"].values()} == {"ok"}


def test_a_label_that_is_no_rarer_than_the_others_has_nothing_to_add():
    counts, labels = hard(600)
    found = samples(counts, labels)
    recipe = quick(label="common", sizes=(150,), arms=("none", "smote"))
    held = run_replicate(found, recipe, Replicate(1, 150))
    assert held["added"] == 0
    assert held["arms"]["smote"]["status"] == "nothing to add"
    assert held["arms"]["smote"]["average_precision"] is None


def test_the_plan_has_the_sizes_that_there_are_biosamples_for():
    found = made()  # 20 rare ones
    recipe = quick(sizes=(2, 5, 50, 0))
    sizes = {seed: len(parts_of(found, recipe, seed).pool) for seed in (1, 2)}
    assert [each for each in plan(found, recipe) if each.size == 50] == []
    assert {(each.seed, each.size) for each in plan(found, recipe)} == {(s, n) for s in (1, 2) for n in (2, 5, 0)}
    whole = run_replicate(found, quick(sizes=(0,), arms=("none",)), Replicate(1, 0))
    assert whole["n"] == len(parts_of(found, quick(sizes=(0,)), 1).pool)
    assert sizes[1] < 50
    with pytest.raises(InputError, match="fewer than any"):
        plan(found, quick(sizes=(50,)))


def test_all_is_left_out_where_it_is_one_of_the_sizes():
    found = made(alone=True)  # 20, of which 7 are tested: 13 are there for every seed
    assert {each.size for each in plan(found, quick(sizes=(5, 13, 0)))} == {5, 13}
    assert {each.size for each in plan(found, quick(sizes=(5, 0)))} == {5, 0}


def test_a_series_of_its_own_is_said_to_be_shared():
    assert run_replicate(made(alone=True), quick(sizes=(5,), arms=("none",)), Replicate(1, 5))["shared"]
    assert not run_replicate(made(), quick(sizes=(5,), arms=("none",)), Replicate(1, 5))["shared"]


def test_the_same_seed_gives_the_same_and_another_another():
    def figures(seed):
        found = run_replicate(made(), quick(sizes=(5,)), Replicate(seed, 5))
        return {arm: values["average_precision"] for arm, values in found["arms"].items()}

    assert figures(1) == figures(1)
    assert figures(1) != figures(2)


def test_progress_rises_and_may_cancel():
    seen = []

    def hear(stage, done, total, **values):
        seen.append((stage, done / total))

    run_replicate(made(), quick(sizes=(5,)), Replicate(1, 5), hear)
    assert list(dict.fromkeys(stage for stage, _ in seen)) == ["normalising", *ARMS]
    assert all(0 <= share <= 1 for _, share in seen)
    assert [share for _, share in seen] == sorted(share for _, share in seen)

    def stop(stage, done, total, **values):
        if stage == "wgan-gp" and done > 6:
            raise CancelledError("stop")

    with pytest.raises(CancelledError):
        run_replicate(made(), quick(sizes=(5,)), Replicate(1, 5), stop)


@pytest.mark.parametrize("family", ["extra-trees", "linear"])
def test_other_families(family):
    found = run_replicate(made(), quick(sizes=(5,), family=family, arms=("smote",)), Replicate(1, 5))
    assert {arm["status"] for arm in found["arms"].values()} == {"ok"}
