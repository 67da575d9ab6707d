import json

import numpy as np
import pandas as pd
import pytest

from core.errors import StoreError
from core.store.files import clean, read_json, write_json, write_parquet


def test_json_knows_no_nan(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": float("nan"), "b": [np.float32(1.5), np.int64(3)], "c": np.array([1.0, np.inf]), "d": pd.NA})
    assert read_json(path) == {"a": None, "b": [1.5, 3], "c": [1.0, None], "d": None}
    assert [child.name for child in tmp_path.iterdir()] == ["a.json"]


def test_a_failed_write_keeps_the_old_content(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, [1])
    with pytest.raises(TypeError):
        write_json(path, [object()])
    assert json.loads(path.read_text()) == [1]


def test_damage_is_a_store_error(tmp_path):
    (tmp_path / "a.json").write_text("{")
    for name in ("a.json", "missing.json"):
        with pytest.raises(StoreError, match=name):
            read_json(tmp_path / name)


def test_parquet_round_trip(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    write_parquet(tmp_path / "t.parquet", frame)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), frame)


def test_keys_become_text():
    assert clean({1: (2,)}) == {"1": [2]}
