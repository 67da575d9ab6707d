"""Ids in pasted text and tables, and lists that an address names."""

from pathlib import Path

import pytest

from core.errors import InputError
from core.store.workspace import Workspace
from core.workflows import address_of_ids, ids_in, ids_of_address, remote_ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("GSM1, gsm22;GSM333\tGSM1\n", ("GSM1", "GSM22", "GSM333")),
        ("sample_id,title\nGSM5,liver of GSE7\n# GSM6 too\n", ("GSM5", "GSM6")),
        ('"GSM5" (GSM6)', ("GSM5", "GSM6")),
        ("sample\n# mine\ns1\tx\n 's2', y\nnone\n", ("s1", "s2")),
        ("XGSM5 GSM5X", ("XGSM5",)),
        ("liver and brain", ()),
        ("", ()),
    ],
)
def test_ids_are_found_in_text(text: str, ids: tuple[str, ...]) -> None:
    assert ids_in(text) == ids


def test_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_ids, "MOST_IDS", 2)
    with pytest.raises(InputError, match="names 3 ids, but at most 2"):
        ids_in("GSM1 GSM2 GSM3")


@pytest.mark.parametrize("n", [1, 60, 61, 5_000])
def test_an_address_stands_for_them(tmp_path: Path, n: int) -> None:
    workspace, ids = Workspace(tmp_path), tuple(f"GSM{i}" for i in range(n))
    text = address_of_ids(workspace, ids)
    assert len(text) < 500 and ids_of_address(workspace, text) == ids
    assert text.startswith("list-") == (n > 60)


@pytest.mark.parametrize("text", ["list-0123456789abcdef", "list-../../etc/passwd", "list-"])
def test_a_list_that_is_not_here_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="paste the ids again"):
        ids_of_address(Workspace(tmp_path), text)
