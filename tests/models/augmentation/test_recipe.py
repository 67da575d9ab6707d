import json

import pytest

from core.errors import RecipeError
from core.models.augmentation.recipe import ARMS, AugmentationRecipe, parse_sizes, size_name


def test_sizes_and_arms_come_in_order_with_class_weights_among_them():
    recipe = AugmentationRecipe("brain", sizes=(0, 10, 2, 10), arms=("wgan-gp", "none")).validated()
    assert recipe.sizes == (2, 10, 0)
    assert recipe.arms == ("none", "class-weights", "wgan-gp")
    assert [size_name(size) for size in recipe.sizes] == ["2", "10", "all"]


def test_twenty_seeds_and_all_arms_are_the_default():
    recipe = AugmentationRecipe("brain", seed=7).validated()
    assert recipe.arms == ARMS
    plan = recipe.replicates()
    assert len(plan) == 20 * 6
    assert {each.seed for each in plan} == set(range(7, 27))
    assert plan[0] == (7, 2)
    assert plan[5] == (7, 0)


def test_json_and_back():
    recipe = AugmentationRecipe("brain", sizes=(5, 0), steps=9).validated()
    assert AugmentationRecipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe
    with pytest.raises(RecipeError, match="no parameter 'colour'"):
        AugmentationRecipe.from_json({"label": "brain", "colour": 1})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"label": ""}, "needs a label"),
        ({"sizes": (1,)}, "size is 1"),
        ({"sizes": (True,)}, "size is True"),
        ({"sizes": (False,)}, "size is False"),
        ({"sizes": ()}, "needs sizes"),
        ({"arms": ("magic",)}, "magic"),
        ({"arms": ()}, "empty"),
        ({"seeds": 0}, "seeds is 0"),
        ({"steps": 1.5}, "steps is 1.5"),
        ({"family": "tree"}, "family"),
    ],
)
def test_what_cannot_be_is_named(wrong, says):
    with pytest.raises(RecipeError, match=says):
        AugmentationRecipe(**({"label": "brain"} | wrong)).validated()


def test_sizes_from_text():
    assert parse_sizes("2, 5,all") == (2, 5, 0)
    for text in ("", "two", "2,-5", "0", "2.5"):
        with pytest.raises(RecipeError, match="Sizes"):
            parse_sizes(text)
