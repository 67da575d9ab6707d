"""The tissue classifier: what it learns, what it is fitted on, what it accepts, and its files."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from core.errors import InputError, RecipeError, StoreError
from core.expression.normalise import fit_target, to_target
from core.models import classifier, classifier_files, scores
from core.models.calibration import LogitCalibration, fit_calibration, fit_thresholds
from core.models.classifier import TissueClassifier
from core.models.confidence import Confidence
from core.models.forest import label_weights
from core.models.markers import LabelMoments, choose_markers
from core.models.recipe import ClassifierRecipe
from tests.models.small_tissues import N_MARKERS, NAMES, Tissues, simulate

RECIPE = ClassifierRecipe(trees=40, genes=60)


@pytest.fixture(scope="module")
def data() -> Tissues:
    return simulate()


@pytest.fixture(scope="module")
def model(data: Tissues) -> TissueClassifier:
    return TissueClassifier().fit(data.counts, data.labels, NAMES, RECIPE, series=data.series)


@pytest.fixture(scope="module")
def unseen() -> Tissues:
    return simulate(80, seed=0, n_series=16)  # the same genes, other biosamples and series


def test_it_learns_what_is_there(model: TissueClassifier, unseen: Tissues) -> None:
    probabilities = model.probabilities(model.normalise(unseen.counts))
    assert model.label_names == NAMES
    assert scores.samples_f1(unseen.labels, model.decide(probabilities)) > 0.9
    assert scores.auprc(unseen.labels, probabilities).min() > 0.9


def test_the_marker_genes_are_found(model: TissueClassifier) -> None:
    markers = set(range(N_MARKERS * len(NAMES)))
    assert len(markers & set(model.gene_index[:60].tolist())) >= 0.9 * len(markers)


def test_progress_counts_trees_and_never_goes_back(data: Tissues) -> None:
    calls: list[tuple[str, float, float]] = []
    recipe = replace(RECIPE, trees=25)
    TissueClassifier().fit(
        data.counts, data.labels, NAMES, recipe, lambda stage, done, total, **_: calls.append((stage, done, total))
    )
    done = [call[1] for call in calls]
    assert done == sorted(done)
    assert {call[2] for call in calls} == {25}
    assert [stage for stage, *_ in calls[:4]] == ["target", "genes", "settings", "forest"]
    assert len(calls) > 8
    assert calls[-1] == ("forest", 25, 25)


def test_only_the_rows_given_and_labelled_are_fitted(data: Tissues, model: TissueClassifier) -> None:
    labels = data.labels.copy()
    labels[:20] = False  # unlabelled: as if they were not there
    counts = data.counts.copy()
    counts[:20] = 7
    one = TissueClassifier().fit(counts, labels, NAMES, RECIPE)
    other = TissueClassifier().fit(data.counts[20:], data.labels[20:], NAMES, RECIPE)
    np.testing.assert_allclose(one.target, fit_target([data.counts[20:]]))
    q = model.normalise(data.counts[:5])
    np.testing.assert_array_equal(one.probabilities(q), other.probabilities(q))
    assert one.gene_index.tolist() == other.gene_index.tolist()


def test_blocks_without_a_cache_fit_the_same(
    data: Tissues, model: TissueClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier, "BLOCK_VALUES", 7 * data.counts.shape[1])
    monkeypatch.setattr(classifier, "CACHED_VALUES", 0)
    streamed = TissueClassifier().fit(data.counts, data.labels, NAMES, RECIPE)
    np.testing.assert_allclose(streamed.target, model.target, rtol=1e-12)
    assert streamed.gene_index.tolist() == model.gene_index.tolist()
    np.testing.assert_allclose(streamed.medians, model.medians, rtol=1e-5)


def test_rare_labels_and_their_biosamples_are_dropped(data: Tissues) -> None:
    labels = np.column_stack([data.labels, np.zeros(len(data.labels), dtype=bool)])
    labels[:4, 4] = True
    fitted = TissueClassifier().fit(data.counts, labels, [*NAMES, "skin"], RECIPE)
    assert fitted.label_names == NAMES
    with_skin = TissueClassifier().fit(data.counts, labels, [*NAMES, "skin"], replace(RECIPE, min_label_count=4))
    assert with_skin.label_names == [*NAMES, "skin"]


@pytest.mark.parametrize(("n", "minimum"), [(10, 5), (603, 5), (10_000, 50), (620_825, 500)])
def test_the_minimum_of_a_label_scales_with_the_dataset(n: int, minimum: int) -> None:
    assert ClassifierRecipe().label_minimum(n) == minimum
    assert ClassifierRecipe(min_label_count=3).label_minimum(n) == 3


def test_too_few_labels_are_refused(data: Tissues) -> None:
    with pytest.raises(RecipeError, match="1 of 4 labels"):
        labels = data.labels & np.array([True, False, False, False])
        TissueClassifier().fit(data.counts, labels, NAMES, RECIPE)


def test_at_least_one_label_and_all_above_their_thresholds(model: TissueClassifier) -> None:
    one = TissueClassifier()
    one.thresholds = np.array([0.5, 0.2, 0.8])
    probabilities = np.array([[0.1, 0.1, 0.1], [0.6, 0.3, 0.7], [0.4, 0.1, 0.7], [0.0, 0.0, 0.0]])
    assert one.decide(probabilities).tolist() == [
        [False, True, False],  # 0.1 / 0.2 is the highest share of a threshold
        [True, True, False],
        [False, False, True],
        [True, False, False],
    ]
    assert model.decide(np.zeros((9, 4))).sum(axis=1).tolist() == [1] * 9


def test_any_increasing_measure_gives_the_same_call(model: TissueClassifier, unseen: Tissues) -> None:
    q = model.normalise(unseen.counts)
    np.testing.assert_allclose(q, to_target(unseen.counts, model.target))
    np.testing.assert_allclose(model.normalise(np.sqrt(unseen.counts * 0.37)), q)


def test_missing_genes_are_nan_and_counted_as_the_median(model: TissueClassifier, unseen: Tissues) -> None:
    values = unseen.counts.astype(np.float64)
    values[3:, 10:40] = np.nan
    values[7:, 200:] = np.nan
    q = model.normalise(values)
    assert np.array_equal(np.isnan(q), np.isnan(values))
    np.testing.assert_allclose(q[:3], to_target(unseen.counts[:3], model.target))
    filled = q.copy()
    filled[:, model.gene_index] = np.where(np.isnan(q[:, model.gene_index]), model.medians, q[:, model.gene_index])
    np.testing.assert_array_equal(model.probabilities(q), model.probabilities(filled))
    # each pattern alone gives the same as in company
    np.testing.assert_array_equal(model.normalise(values[8:9]), q[8:9])


def test_a_third_of_the_genes_missing_changes_few_calls(model: TissueClassifier, unseen: Tissues) -> None:
    values = unseen.counts.astype(np.float64)
    full = model.decide(model.probabilities(model.normalise(values)))
    values[:, np.random.default_rng(0).choice(values.shape[1], 90, replace=False)] = np.nan
    partial = model.decide(model.probabilities(model.normalise(values)))
    assert (full == partial).all(axis=1).mean() > 0.85


def test_samples_that_cannot_be_used_are_refused(model: TissueClassifier) -> None:
    with pytest.raises(InputError, match="300 genes"):
        model.normalise(np.ones((2, 299)))
    nothing = np.ones((2, 300))
    nothing[1] = np.nan
    with pytest.raises(InputError, match="Sample 2 has none"):
        model.normalise(nothing)


def test_novelty_is_over_the_marker_genes(model: TissueClassifier, data: Tissues) -> None:
    q = model.normalise(data.counts[:10])
    assert model.novelty_score(q).max() < 1e-4
    shuffled = np.random.default_rng(0).permuted(q, axis=1)
    assert model.novelty_score(shuffled).min() > 0.98
    plain = TissueClassifier().fit(data.counts, data.labels, NAMES, replace(RECIPE, trees=2))
    with pytest.raises(InputError, match="without series"):
        plain.novelty_score(q)


def test_the_forest_does_not_depend_on_threads_or_chance(data: Tissues, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(RECIPE, trees=12)
    monkeypatch.setenv("ARCHSCOPE_THREADS", "1")
    one = TissueClassifier().fit(data.counts, data.labels, NAMES, recipe)
    monkeypatch.setenv("ARCHSCOPE_THREADS", "2")
    two = TissueClassifier().fit(data.counts, data.labels, NAMES, recipe)
    q = one.normalise(data.counts)
    np.testing.assert_allclose(one.probabilities(q), two.probabilities(q), rtol=1e-12)
    seeded = TissueClassifier().fit(data.counts, data.labels, NAMES, replace(recipe, seed=2))
    assert not np.allclose(one.probabilities(q), seeded.probabilities(q))


def test_saved_and_loaded_it_says_the_same(model: TissueClassifier, unseen: Tissues, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    loaded = TissueClassifier.load(tmp_path / "model")
    values = unseen.counts.astype(np.float64)
    values[5, ::3] = np.nan
    q = model.normalise(values)
    np.testing.assert_array_equal(loaded.normalise(values), q)
    np.testing.assert_array_equal(loaded.probabilities(q), model.probabilities(q))
    np.testing.assert_array_equal(loaded.novelty_score(q), model.novelty_score(q))
    np.testing.assert_array_equal(loaded.thresholds, model.thresholds)
    assert (loaded.recipe, loaded.label_names) == (model.recipe, model.label_names)
    for path in (tmp_path / "model").iterdir():
        assert b"pickle" not in path.read_bytes()


@pytest.mark.parametrize("name", [classifier_files.FOREST, classifier_files.ARRAYS_FILE, classifier_files.FACTS])
def test_a_missing_or_damaged_file_is_named(model: TissueClassifier, tmp_path: Path, name: str) -> None:
    model.save(tmp_path)
    (tmp_path / name).write_bytes(b"{broken")
    with pytest.raises(StoreError, match=name):
        TissueClassifier.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(StoreError, match=name):
        TissueClassifier.load(tmp_path)


def untrusted(x: np.ndarray) -> np.ndarray:
    raise AssertionError("a function of a model file was called")


def test_a_file_with_a_type_that_is_not_trusted_is_refused(model: TissueClassifier, tmp_path: Path) -> None:
    model.save(tmp_path)
    skops.io.dump(FunctionTransformer(untrusted), tmp_path / classifier_files.FOREST)
    with pytest.raises(StoreError, match=r"not trusted \(.*untrusted\)"):
        TissueClassifier.load(tmp_path)


def test_another_model_or_one_of_other_sizes_is_refused(model: TissueClassifier, tmp_path: Path) -> None:
    model.save(tmp_path)
    skops.io.dump(DummyClassifier(), tmp_path / classifier_files.FOREST)
    with pytest.raises(StoreError, match="DummyClassifier"):
        TissueClassifier.load(tmp_path)
    small = RandomForestClassifier(2).fit(np.eye(4), np.arange(4))
    skops.io.dump(small, tmp_path / classifier_files.FOREST)
    with pytest.raises(StoreError, match="belong together"):
        TissueClassifier.load(tmp_path)


def test_a_tree_that_points_outside_itself_is_refused(model: TissueClassifier, tmp_path: Path) -> None:
    small = TissueClassifier()
    small.__dict__ |= model.__dict__
    small.save(tmp_path)
    damaged = skops.io.load(tmp_path / classifier_files.FOREST, trusted=sorted(classifier_files.TRUSTED))
    tree = damaged.estimators_[0].tree_
    state = tree.__getstate__()
    state["nodes"]["left_child"][0] = tree.node_count + 1000
    tree.__setstate__(state)
    skops.io.dump(damaged, tmp_path / classifier_files.FOREST)
    with pytest.raises(StoreError, match="damaged tree"):
        TissueClassifier.load(tmp_path)


def test_a_folder_with_a_part_missing_is_refused(model: TissueClassifier, tmp_path: Path) -> None:
    model.save(tmp_path)
    facts = json.loads((tmp_path / classifier_files.FACTS).read_text())
    del facts["calibration"]
    (tmp_path / classifier_files.FACTS).write_text(json.dumps(facts))
    with pytest.raises(StoreError, match="lacks 'calibration'"):
        TissueClassifier.load(tmp_path)


def test_a_model_of_another_version_says_so(model: TissueClassifier, tmp_path: Path) -> None:
    model.save(tmp_path)
    facts = json.loads((tmp_path / classifier_files.FACTS).read_text())
    facts["confidence"] = {"slope": 1.0, "distance_slope": -1.0, "intercept": 0.0}
    (tmp_path / classifier_files.FACTS).write_text(json.dumps(facts))
    with pytest.raises(StoreError, match=r"another version.*nearest"):
        TissueClassifier.load(tmp_path)


@pytest.mark.parametrize("family", ["extra-trees", "linear"])
def test_every_family_learns_is_saved_and_explains(data: Tissues, unseen: Tissues, family: str, tmp_path: Path) -> None:
    fitted = TissueClassifier().fit(data.counts, data.labels, NAMES, replace(RECIPE, family=family), series=data.series)
    fitted.trust(Confidence(1.0, -0.5, 0.0, 0.01), np.array([0.3, 0.4, 0.5, 0.6]))
    fitted.save(tmp_path)
    loaded = TissueClassifier.load(tmp_path)
    q = loaded.normalise(unseen.counts)
    np.testing.assert_array_equal(loaded.probabilities(q), fitted.probabilities(q))
    np.testing.assert_array_equal(loaded.thresholds, [0.3, 0.4, 0.5, 0.6])
    assert scores.auprc(unseen.labels, loaded.votes(q)).min() > 0.85
    assert (loaded.settings, loaded.selection) == (fitted.settings, fitted.selection)
    row = int(np.flatnonzero(unseen.labels[:, 1] & (unseen.labels.sum(axis=1) == 1))[0])
    genes = loaded.gene_index[np.argsort(-loaded.contributions(q[row], "brain"))[:5]]
    assert (np.isin(genes, np.arange(15, 30))).sum() >= 3  # markers of brain
    missing = q[row].copy()
    missing[genes[0]] = np.nan
    assert loaded.contributions(missing, "brain")[loaded.gene_index == genes[0]] == 0.0
    assert (tmp_path / classifier_files.FOREST).exists() == (family != "linear")


def test_the_forest_file_is_an_archive_of_plain_parts(model: TissueClassifier, tmp_path: Path) -> None:
    model.save(tmp_path)
    with zipfile.ZipFile(tmp_path / classifier_files.FOREST) as archive:
        assert {Path(name).suffix for name in archive.namelist()} <= {".json", ".npy"}


@pytest.mark.parametrize(
    "wrong",
    [{"trees": 0}, {"trees": 2.5}, {"genes": 0}, {"seed": -1}, {"n_folds": 1}, {"min_label_count": 0},
     {"split": "half"}, {"trees": True},
     {"family": "oracle"}, {"min_leaf": 0}, {"balanced": "yes"}],
)  # fmt: skip
def test_a_parameter_out_of_range_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match=next(iter(wrong))):
        ClassifierRecipe(**wrong).validated()  # type: ignore[arg-type]


def test_recipes_survive_json_and_refuse_what_they_do_not_know() -> None:
    recipe = ClassifierRecipe(trees=10, min_label_count=7, split="series")
    assert ClassifierRecipe.from_json(recipe.to_json()) == recipe
    with pytest.raises(RecipeError, match="version"):
        ClassifierRecipe.from_json('{"version": 99}')
    with pytest.raises(RecipeError, match="'leaves'"):
        ClassifierRecipe.from_json('{"version": 2, "leaves": 3}')
    with pytest.raises(RecipeError, match="not JSON"):
        ClassifierRecipe.from_json("{")


def test_markers_by_a_plain_loop() -> None:
    rng = np.random.default_rng(4)
    q = rng.normal(5.0, 1.0, (30, 12)).astype(np.float32)
    q[:, 11] = 2.0  # the same everywhere
    labels = rng.random((30, 3)) < 0.4
    moments = LabelMoments.empty(3, 12)
    for start in range(0, 30, 7):
        moments.update(q[start : start + 7], labels[start : start + 7])
    expected = np.zeros((3, 12))
    for gene in range(12):
        within = sum(np.sum((q[bits, gene] - q[bits, gene].mean()) ** 2) for bits in labels.T)
        pooled = within / sum(bits.sum() - 1 for bits in labels.T)
        for label, bits in enumerate(labels.T):
            expected[label, gene] = (q[bits, gene].mean() - q[~bits, gene].mean()) / np.sqrt(pooled + 0.3)
    np.testing.assert_allclose(moments.effect(), expected, atol=1e-4)
    assert 11 not in choose_markers(moments, 12)
    rest = LabelMoments.empty(3, 12)
    rest.update(q[10:], labels[10:])
    np.testing.assert_allclose(moments.without(q[:10], labels[:10]).effect(), rest.effect(), atol=1e-6)
    best = {int(row[:11].argmax()) for row in expected}
    assert set(choose_markers(moments, len(best)).tolist()) == best


def test_every_label_weighs_the_same() -> None:
    labels = np.zeros((20, 2), dtype=bool)
    labels[:18, 0] = labels[18:, 1] = True
    weights = label_weights(labels)
    assert weights.mean() == pytest.approx(1.0)
    assert weights[:18].sum() == pytest.approx(weights[18:].sum())


def test_calibration_is_the_maximum_likelihood_line() -> None:
    rng = np.random.default_rng(6)
    votes = rng.random((500, 3))
    labels = rng.random((500, 3)) < 1 / (1 + np.exp(-(2.0 * np.log(votes / (1 - votes)) - 0.5)))
    fitted = fit_calibration(votes, labels)
    squeezed = 0.005 + 0.99 * votes.ravel()
    line = LogisticRegression().fit(np.log(squeezed / (1 - squeezed))[:, None], labels.ravel())
    probabilities = fitted.apply(votes).ravel()
    expected = line.predict_proba(np.log(squeezed / (1 - squeezed))[:, None])[:, 1]
    np.testing.assert_allclose(probabilities, expected, rtol=1e-6)
    assert np.all(np.diff(fitted.apply(np.linspace(0, 1, 50))) > 0)
    assert fit_calibration(votes, np.ones_like(labels)) == LogitCalibration()


def test_thresholds_are_those_of_best_f1_drawn_to_a_half() -> None:
    rng = np.random.default_rng(7)
    labels = rng.random((300, 2)) < 0.3
    probabilities = np.clip(rng.normal(0.2 + 0.35 * labels, 0.12), 0, 1)
    for label, threshold in enumerate(fit_thresholds(probabilities, labels)):
        truth, p = labels[:, label], probabilities[:, label]
        n = truth.sum()
        best = (threshold * (n + 20) - 20 * 0.5) / n
        f1 = {cut: scores.macro_f1(truth[:, None], (p >= cut)[:, None]) for cut in [*np.unique(p), best]}
        assert f1[best] == pytest.approx(max(f1.values()))
    assert fit_thresholds(np.array([[0.9], [0.1]]), np.zeros((2, 1), dtype=bool)).tolist() == [0.5]
