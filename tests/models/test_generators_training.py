"""The training loop and the two GANs: penalty, resume, NaN guard, early stop, cancel, learning."""

import numpy as np
import pytest
import torch

from core.errors import CancelledError, StoreError
from core.models.generators import GeneratorRecipe, make_generator
from core.models.generators.networks import energy_distance, gradient_penalty, row_weights
from core.models.generators.trainer import CHECKPOINT, Schedule, train
from core.models.generators.wgan import AdversarialPair
from core.types import silent
from tests.models.generator_data import training_data

SMALL = {"hidden": 16, "latent": 8, "batch": 16, "n_components": 6, "critic_steps": 2}


@pytest.fixture(scope="module")
def data():
    return training_data()


class Counter:
    """A model whose only weight counts its steps; figures and validation as told."""

    def __init__(self, bad_step=None, validations=None):
        self.weight, self.bad_step, self.validations = torch.zeros(1), bad_step, validations

    def step(self):
        self.weight += 1
        return {"loss": float("nan") if self.weight.item() == self.bad_step else float(self.weight)}

    def validate(self):
        return 1.0 if self.validations is None else self.validations.pop(0)

    def state(self):
        return {"weight": self.weight}

    def load_state(self, state):
        self.weight = state["weight"].clone()


def test_history_has_the_first_step_the_multiples_and_the_last():
    heard = []
    history = train(Counter(), Schedule(25, 10), lambda stage, done, total, **v: heard.append((stage, done, total)))
    assert [row["step"] for row in history] == [1, 10, 20, 25]
    assert [row["loss"] for row in history] == [1, pytest.approx(6), pytest.approx(15.5), pytest.approx(23)]
    assert heard == [("training", step, 25) for step in (1, 10, 20, 25)]


def test_a_step_that_is_not_finite_goes_back_to_the_last_good_state():
    model = Counter(bad_step=17)
    history = train(model, Schedule(40, 10), silent)
    assert model.weight.item() == 10
    assert history[-1] == {"step": 10.0, "diverged": 1.0} and len(history) == 3


def test_a_validation_that_is_not_finite_counts_too():
    model = Counter(validations=[1.0, float("inf")])
    assert "diverged" in train(model, Schedule(40, 10), silent)[-1]
    assert model.weight.item() == 1


def test_early_stop_after_patience():
    model = Counter(validations=[5.0, 3.0, 4.0, 3.5, 9.0])
    history = train(model, Schedule(100, 10, patience=2), silent)
    assert [row["validation"] for row in history] == [5.0, 3.0, 4.0, 3.5]


def test_should_stop_keeps_what_was_learnt():
    model = Counter()
    assert len(train(model, Schedule(100, 10), silent, should_stop=lambda: model.weight.item() >= 20)) == 3


def test_a_cancelled_job_passes_through_and_resumes(tmp_path):
    def cancel(stage, done, total, **values):
        if done == 20:
            raise CancelledError("The job was cancelled.")

    with pytest.raises(CancelledError):
        train(Counter(), Schedule(40, 10), cancel, checkpoint_dir=tmp_path)
    model = Counter()
    history = train(model, Schedule(40, 10), silent, checkpoint_dir=tmp_path)
    assert model.weight.item() == 40 and [row["step"] for row in history] == [1, 10, 20, 30, 40]
    assert history[-1]["loss"] == pytest.approx(35.5)


def test_foreign_and_damaged_checkpoints_are_refused(tmp_path):
    train(Counter(), Schedule(10, 10), silent, checkpoint_dir=tmp_path, recipe_key="a")
    with pytest.raises(StoreError, match="another recipe"):
        train(Counter(), Schedule(10, 10), silent, checkpoint_dir=tmp_path, recipe_key="b")
    (tmp_path / CHECKPOINT).write_bytes(b"damaged")
    with pytest.raises(StoreError, match="cannot be read"):
        train(Counter(), Schedule(10, 10), silent, checkpoint_dir=tmp_path, recipe_key="a")


@pytest.mark.parametrize("model", ["wgan-gp", "flow-matching", "published"])
def test_resumed_training_equals_uninterrupted(model, data, tmp_path):
    recipe = GeneratorRecipe(model, "rare", steps=30, **SMALL)
    whole = make_generator(recipe).fit(data)

    def killed(stage, done, total, **values):
        if stage == "training" and done == 13:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_generator(recipe).fit(data, killed, checkpoint_dir=tmp_path)
    resumed = make_generator(recipe).fit(data, checkpoint_dir=tmp_path)
    for name, weights in whole.network.state_dict().items():
        assert torch.equal(weights, resumed.network.state_dict()[name]), name
    assert resumed.history == whole.history


def test_no_nan_is_kept_where_the_critic_breaks(data):
    generator = make_generator(GeneratorRecipe("wgan-gp", "rare", steps=40, **SMALL))
    heard = []

    def listen(stage, done, total, **values):
        heard.append(values)

    with pytest.MonkeyPatch.context() as patch:
        honest = AdversarialPair.step

        def step(pair):
            if pair.steps_done == 20:
                with torch.no_grad():
                    pair.critic[0].weight[0, 0] = float("nan")
            return honest(pair)

        patch.setattr(AdversarialPair, "step", step)
        generator.fit(data, listen)
    assert generator.history[-1] == {"step": 20.0, "diverged": 1.0} and heard[-1] == {"diverged": 1.0}
    assert all(bool(torch.isfinite(weights).all()) for weights in generator.network.state_dict().values())
    assert np.isfinite(generator.sample(5, "rare", 1)).all()


def test_gradient_penalty_of_a_known_function():
    """D(y, c) = y1^2 + 3 y2 + 100 c: the gradient in y is (2 y1, 3), whatever c is."""

    class Known(torch.nn.Module):
        def forward(self, x):
            return x[:, :1] ** 2 + 3 * x[:, 1:2] + 100 * x[:, 2:]

    points, conditions = torch.tensor([[0.0, 1.0], [2.0, 5.0]]), torch.ones(2, 1)
    expected = ((3 - 1) ** 2 + (5 - 1) ** 2) / 2
    assert float(gradient_penalty(Known(), points, conditions).detach()) == pytest.approx(expected)


def test_gradient_penalty_reaches_the_critics_weights():
    critic = torch.nn.Linear(3, 1)
    critic.weight.data = torch.tensor([[3.0, 4.0, 7.0]])
    penalty = gradient_penalty(critic, torch.randn(5, 2), torch.ones(5, 1))
    penalty.backward()
    assert float(penalty.detach()) == pytest.approx(16.0)  # (|(3, 4)| - 1)^2; the label's weight does not count
    assert critic.weight.grad[0].tolist() == pytest.approx([2 * 4 * 0.6, 2 * 4 * 0.8, 0.0])


def test_energy_distance_by_loops():
    a, b = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [5.0], [6.0]])
    across = np.mean([1, 5, 6, 1, 3, 4])
    assert energy_distance(a, b) == pytest.approx(2 * across - 2 - np.mean([4, 5, 1]))


def test_row_weights_oversample_the_target_label():
    labels = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [0, 0]], bool)
    weights = row_weights(labels, target=1, target_share=0.5).numpy()
    assert weights.sum() == pytest.approx(1.0)
    assert weights.tolist() == pytest.approx([0.5 / 9] * 3 + [0.5 + 0.5 / 3, 0.5 / 3])


def test_the_gan_learns_a_labels_mean_and_its_critic_loss_falls(data):
    settings = {**SMALL, "steps": 300, "hidden": 32, "learning_rate": 2e-3, "critic_steps": 5}
    generator = make_generator(GeneratorRecipe("wgan-gp", "rare", **settings)).fit(data)
    losses = [row["critic_loss"] for row in generator.history]
    assert np.mean(losses[:10]) > np.mean(losses[-10:])
    assert generator.history[-1]["validation"] < generator.history[0]["validation"]
    drawn, real = generator.sample(200, "rare", 1), data.rows_of("rare")
    others = data.q[~data.labels[:, 1]]
    error = np.abs(drawn.mean(axis=0) - real.mean(axis=0)).mean()
    assert error < 0.2 * np.abs(others.mean(axis=0) - real.mean(axis=0)).mean()
    assert set(generator.labels) == {"common", "rare", "other"}
    assert generator.sample(3, "common", 1).shape == (3, data.q.shape[1])
