"""docs/security.md promises only what a test stands behind: each test that it names exists."""

import ast
import re
from functools import cache

from core.settings import PROJECT

PAGE = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


@cache
def found_in(path: str) -> set[str]:
    """Test functions of a file."""
    tree = ast.parse((PROJECT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_test_that_the_page_names_exists() -> None:
    assert len(NAMED) > 50
    assert [f"{path}::{name}" for path, name in NAMED if name not in found_in(path)] == []


def test_every_mention_of_a_test_was_understood() -> None:
    assert PAGE.count("::test_") == len(NAMED)


def test_what_the_found_in_security_show_is_on_the_page() -> None:
    """A new test of a promise belongs there; these are about the tests themselves, or the other half of one that is."""
    inner = {
        "test_the_bombs_go_off_where_they_are_loaded_carelessly", "test_the_look_at_the_source_finds_what_it_looks_for",
        "test_the_watch_sees_names_connections_and_packets",
    }  # fmt: skip
    named = {name for _, name in NAMED}
    unnamed = found_in("tests/security/test_no_unsafe_loading.py") | found_in("tests/security/test_no_network.py")
    assert unnamed - named - inner <= {
        "test_a_novelty_score", "test_a_parquet_column_of_a_pickled_type_is_not_unpickled",
    }  # fmt: skip


def test_every_page_that_it_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([\w./-]+\.md)\)", PAGE):
        assert (PROJECT / "docs" / target).is_file(), target
    for path in re.findall(r"`(deploy/[\w.]+|scripts/[\w.]+|requirements[\w.-]*)`", PAGE):
        assert (PROJECT / path).is_file(), path
