import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from models.trees import Trees
from training.finetune_selection import read_trees


@pytest.fixture(scope="module")
def grown():
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(800, 4)).astype(np.float32)
    goal = np.sin(rows[:, 0]) + (rows[:, 1] > 0.3) * rows[:, 2]
    return HistGradientBoostingRegressor(max_iter=30, max_leaf_nodes=9, early_stopping=False, random_state=0).fit(rows, goal), rows


def test_the_arrays_say_what_the_library_says(grown):
    model, rows = grown
    fresh = np.random.default_rng(4).normal(size=(500, 4)).astype(np.float32)
    for sample in (rows, fresh, 100 * fresh):
        assert np.allclose(read_trees(model).run(sample), model.predict(sample), atol=1e-5)


def test_trees_come_back_from_their_tensors(grown):
    model, rows = grown
    trees = read_trees(model)
    again = Trees.from_tensors(trees.to_tensors(), 4)
    assert np.array_equal(again.run(rows), trees.run(rows))


@pytest.mark.parametrize(("name", "change"), [("feature", 9), ("left", 99), ("value", np.nan), ("depth", 0)])
def test_tensors_that_are_no_trees_are_refused(grown, name, change):
    tensors = read_trees(grown[0]).to_tensors()
    tensors[f"trees/{name}"] = np.full_like(tensors[f"trees/{name}"], change)
    with pytest.raises(ValueError, match="trees"):
        Trees.from_tensors(tensors, 4)


def test_no_rows_give_no_sums(grown):
    assert read_trees(grown[0]).run(np.zeros((0, 4), dtype=np.float32)).shape == (0,)
