"""Saved filters survive, are replaced and deleted by name, and a bad name or file is said."""

from pathlib import Path

import pytest

from core.errors import NotFoundError, RecipeError, StoreError
from core.store import saved_filters
from core.store.saved_filters import SavedFilters


def test_saved_replaced_and_deleted(tmp_path: Path) -> None:
    filters = SavedFilters(tmp_path / "filters", "demo")
    assert filters.all() == {}
    assert filters.save("  mine ", {"q": "HOX"}) == "mine"
    filters.save("other", {"min_mean": 1.5})
    filters.save("mine", {"q": "MT-", "biotype": ["lncRNA"]})
    assert SavedFilters(tmp_path / "filters", "demo").all() == {
        "mine": {"q": "MT-", "biotype": ["lncRNA"]},
        "other": {"min_mean": 1.5},
    }
    assert SavedFilters(tmp_path / "filters", "another").all() == {}
    filters.delete("mine")
    assert list(filters.all()) == ["other"]
    with pytest.raises(NotFoundError, match="mine"):
        filters.delete("mine")


@pytest.mark.parametrize(("name", "words"), [("  ", "need a name"), ("x" * 61, "61"), ("a\nb", "cannot be shown")])
def test_a_bad_name_is_refused(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        SavedFilters(tmp_path, "demo").save(name, {})


def test_too_many_are_refused_but_one_may_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_filters, "MOST", 1)
    filters = SavedFilters(tmp_path, "demo")
    filters.save("a", {})
    filters.save("a", {"q": "x"})
    with pytest.raises(RecipeError, match="already"):
        filters.save("b", {})


@pytest.mark.parametrize("content", ["{", "[1, 2]", '{"a": 3}'])
def test_a_damaged_file_is_said(tmp_path: Path, content: str) -> None:
    (tmp_path / "demo.json").write_text(content)
    with pytest.raises(StoreError, match=r"demo\.json"):
        SavedFilters(tmp_path, "demo").all()
