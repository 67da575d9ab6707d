import pytest

from core.models.augmentation import notes, verdicts
from tests.models.augmentation.samples import quick


def row(arm="wgan-gp", difference=0.0, low=None, high=None, seeds=20, status="ok", n=5.0):
    return {"arm": arm, "n": n, "size": f"{n:.0f}", "status": status, "seeds": seeds, "average_precision": 0.7,
            "difference": difference, "difference_low": low, "difference_high": high}  # fmt: skip


@pytest.mark.parametrize(
    ("difference", "low", "high", "says"),
    [
        (0.003, -0.01, 0.02, "adds nothing that matters over class weights"),
        (0.10, 0.05, 0.15, "adds to class weights"),
        (-0.10, -0.15, -0.05, "does worse than class weights"),
        (0.10, -0.01, 0.21, "shows no clear difference"),  # a mean alone says nothing
        (0.01, 0.005, 0.015, "adds nothing that matters"),
    ],
)
def test_the_verdict_goes_by_the_interval(difference, low, high, says):
    (text,) = verdicts("brain", [row(difference=difference, low=low, high=high)])
    assert text.startswith(f"For brain, the GAN {says}")
    assert f"at n = 5: {difference:+.3f} ({low:+.3f} to {high:+.3f})" in text


def test_sizes_are_told_apart_and_the_gan_comes_first():
    rows = [
        row("smote", 0.2, 0.1, 0.3),
        row(status="too few", difference=None, n=2.0, seeds=0),
        row(difference=0.2, low=0.1, high=0.3),
        row(difference=0.0, low=-0.001, high=0.001, n=50.0),
    ]
    gan, smote = verdicts("brain", rows)
    assert "adds to class weights at n = 5" in gan
    assert "it adds nothing that matters over class weights at n = 50" in gan
    assert gan.endswith("Not tried at n = 2 (too few).")
    assert "SMOTE adds to class weights" in smote


def test_few_seeds_and_untried_arms_get_no_verdict():
    assert "at least 5 seeds" in verdicts("brain", [row(difference=0.2, low=0.1, high=0.3, seeds=2)])[0]
    assert "could not be tried: too few" in verdicts("brain", [row(difference=None, status="too few", seeds=0)])[0]
    assert verdicts("brain", [row("none"), row("class-weights", None)]) == []


def test_class_weights_at_the_ceiling_are_mentioned():
    high = row(difference=0.0, low=0.0, high=0.0) | {"average_precision": 1.0}
    assert "class weights near 1" in verdicts("brain", [high])[0]


def replicate(seed, shared=False, held=("A",), positive=9, size=5):
    return {"seed": seed, "size": size, "shared": shared, "shared_labels": 3 if shared else 0, "held_out": list(held),
            "test_positive": positive}  # fmt: skip


def test_notes_say_what_limits():
    recipe = quick(sizes=(5, 50))
    shared = " ".join(notes(recipe, [replicate(1, shared=True, held=())]))
    assert "donors or batches may be shared" in shared
    assert "3 other labels" in shared
    assert "n = 50" in shared
    assert "4 steps" in shared
    same = " ".join(notes(recipe, [replicate(1), replicate(2, positive=2)]))
    assert "same for every seed (A)" in same
    assert "as few as 2" in same
    varied = " ".join(notes(recipe, [replicate(1), replicate(2, held=("B",))], complete=False))
    assert "same for every seed" not in varied
    assert "as few as" not in varied
    assert "n = 50" not in varied
    assert notes(recipe, []) == []
