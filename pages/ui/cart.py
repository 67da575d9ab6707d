"""Two carts of biosamples, A and B, for each dataset of a session: filled on any page, compared on the Samples page.

``ids`` and ``add`` are all that another page needs; ``buttons`` draws the two buttons that call ``add``. The carts are
kept for the session, and small ones are in the address of the Samples page too (``sync``).
"""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.errors import ArchscopeError
from core.store.datasets import StoredDataset
from pages.ui import feedback, state

CARTS = ("A", "B")
FORMATS = {".h5": "ARCHS4 .h5", ".h5ad": ".h5ad", ".csv": "CSV", ".parquet": "Parquet", ".gct": "GCT"}
VALUES = {"counts": "counts", "normalised": "Q, quantile-normalised log2(1 + count)"}
ADDRESS_IDS = 60  # biosamples of a cart that still fit into an address
PARAMS = {"A": "cart_a", "B": "cart_b"}
MANY_PAIRS = 0.5  # share of pairs of one series from which on a cart is warned of
NAMED = 4  # labels or series that are named
TYPED_HELP = "Ids between spaces, commas or line ends: paste a list of GSM accessions. Ids that do not match are named."


def ids(dataset: StoredDataset, which: str) -> list[str]:
    """Ids of the biosamples in cart "A" or "B", in the order in which they were added."""
    return list(_carts(dataset.name)[which])


def add(dataset: StoredDataset, which: str, sample_ids: Sequence[str]) -> str:
    """Puts biosamples into a cart; what happened, in words.

    Raises NotFoundError for ids that the dataset lacks, RecipeError where the cart would be too large.
    """
    filled = wf.fill_cart(dataset, which, ids(dataset, which), sample_ids)
    _carts(dataset.name)[which] = filled.ids
    return filled.text


def buttons(dataset: StoredDataset, sample_ids: Sequence[str], key: str, text: str = "Add {n} to cart {cart}") -> None:
    """Two buttons that put some biosamples into cart A or B, and say so."""
    for which in CARTS:
        st.button(
            text.format(n=f"{len(sample_ids):,}", cart=which), key=f"{key}_cart_{which}", disabled=not len(sample_ids),
            icon=":material/add_shopping_cart:", on_click=_added, args=(dataset, which, list(sample_ids)),
            help=f"Cart {which} on the Samples page, where two carts are compared gene by gene.",
        )  # fmt: skip


def sync(dataset: StoredDataset) -> None:
    """Brings the carts and the address of the Samples page together: what changed last counts.

    The address does where it is not what this session last read or wrote (a link, the browser's back button), the
    carts do otherwise. A cart that is too large for an address is not in it.
    """
    seen: dict[str, tuple[str, str]] = st.session_state.setdefault("carts_seen", {})
    for which, name in PARAMS.items():
        there = st.query_params.get(name, "")
        if there and there not in (_text(dataset, which), seen.get(which, ("", ""))[1]):
            _load(dataset, which, there)
        text = _text(dataset, which)
        state.set_params(**{name: text})
        seen[which] = (dataset.name, text)


def panel(dataset: StoredDataset) -> None:
    """Both carts: what is in them, and ways to fill, empty and swap them."""
    for text in st.session_state.pop("carts_said", []):
        st.warning(text, icon=":material/help:")
    for which, column in zip(CARTS, st.columns(2), strict=True):
        with column, st.container(border=True, height="stretch"), feedback.errors():
            _show(dataset, which)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Swap A and B", key="cart_swap", icon=":material/swap_horiz:", on_click=_swap, args=(dataset,))
        if any(len(ids(dataset, which)) > ADDRESS_IDS for which in CARTS):
            st.caption(f"A cart of more than {ADDRESS_IDS} biosamples is kept for this session, not in the address.")


def _show(dataset: StoredDataset, which: str) -> None:
    held = ids(dataset, which)
    facts = wf.cart_facts(dataset, held)
    st.markdown(f"**Cart {which}** · {facts.n:,} biosample{'s' * (facts.n != 1)}")
    if held:
        st.caption(f"{_composition(facts.labels, 'label', facts.unlabelled)}  \n{_composition(facts.series, 'series')}")
    else:
        st.caption("Empty. Add biosamples from the search above, from a neighbourhood, or type their ids.")
    if facts.n > 1 and facts.same_series_share > MANY_PAIRS:
        st.caption(
            f":orange[:material/warning:] {facts.same_series_share:.0%} of its pairs come from the same series: "
            "they are not independent."
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.popover("Type ids", icon=":material/keyboard:"):
            _typed(dataset, which)
        with st.popover("Remove", icon=":material/remove_shopping_cart:", disabled=not held):
            _removal(dataset, which, held)
        with st.popover("Download", icon=":material/download:", disabled=not held):
            _download(dataset, which, held)
        st.button(
            "Clear", key=f"cart_clear_{which}", icon=":material/delete:", disabled=not held, on_click=_put,
            args=(dataset, which, []),
        )  # fmt: skip


def _composition(table: pd.DataFrame, what: str, without: int = 0) -> str:
    pairs = zip(table["name"].head(NAMED), table["biosamples"].head(NAMED), strict=True)
    parts = [f"{name} {n:,}" for name, n in pairs]
    if len(table) > NAMED:
        parts.append(f"{len(table) - NAMED:,} more")
    if without:
        parts.append(f"no {what} {without:,}")
    count = f"{len(table):,} {what}{'s' * (what == 'label' and len(table) != 1)}"
    return f"{count}: {', '.join(parts)}" if parts else count


def _typed(dataset: StoredDataset, which: str) -> None:
    with st.form(f"cart_form_{which}", border=False, clear_on_submit=True):
        st.text_area(f"Ids for cart {which}", key=f"cart_text_{which}", height=140, help=TYPED_HELP)
        st.form_submit_button(
            f"Add to cart {which}", key=f"cart_typed_{which}", icon=":material/add_shopping_cart:",
            on_click=_add_typed, args=(dataset, which),
        )  # fmt: skip


def _removal(dataset: StoredDataset, which: str, held: list[str]) -> None:
    shown = held[:1000]
    st.multiselect(f"Take out of cart {which}", shown, key=f"cart_out_{which}", placeholder="Choose ids")
    if len(held) > len(shown):
        st.caption(f"The first {len(shown):,} of {len(held):,} are offered.")
    st.button("Take out", key=f"cart_remove_{which}", on_click=_remove, args=(dataset, which))


def _download(dataset: StoredDataset, which: str, held: list[str]) -> None:
    """Buttons that make a file of the cart's values in the format asked for, when it is asked for."""
    values = st.segmented_control(
        "Values", list(VALUES), default="counts", format_func=VALUES.__getitem__, required=True,
        key=f"cart_values_{which}",
    )  # fmt: skip
    st.caption(f"{len(held):,} biosamples x {len(dataset.genes):,} genes; made when a button is pressed.")
    workspace = state.workspace()
    for suffix, text in FORMATS.items():

        def make(suffix: str = suffix) -> bytes:
            return wf.export_biosamples(workspace, dataset.name, held, suffix, str(values))

        st.download_button(
            text, make, f"{wf.file_stem(dataset.name, dataset)}-cart-{which}-{values}{suffix}", on_click="ignore",
            key=f"cart_file_{which}_{suffix[1:]}", icon=":material/download:",
        )  # fmt: skip


def _carts(name: str) -> dict[str, list[str]]:
    every: dict[str, dict[str, list[str]]] = st.session_state.setdefault("carts", {})
    return every.setdefault(name, {which: [] for which in CARTS})


def _text(dataset: StoredDataset, which: str) -> str:
    held = ids(dataset, which)
    return ",".join(held) if len(held) <= ADDRESS_IDS else ""


def _put(dataset: StoredDataset, which: str, sample_ids: list[str]) -> None:
    _carts(dataset.name)[which] = sample_ids


def _load(dataset: StoredDataset, which: str, text: str) -> None:
    """What an address says is in a cart; ids that the dataset does not have are named."""
    known, unknown = wf.read_ids(dataset, text)
    _put(dataset, which, known)
    _say_unknown(which, unknown)


def _add_typed(dataset: StoredDataset, which: str) -> None:
    known, unknown = wf.read_ids(dataset, st.session_state[f"cart_text_{which}"])
    _say_unknown(which, unknown)
    _added(dataset, which, known)


def _say_unknown(which: str, unknown: list[str]) -> None:
    if unknown:
        some = ", ".join(unknown[:20]) + (f" and {len(unknown) - 20:,} more" if len(unknown) > 20 else "")
        n = f"{len(unknown):,} id{'s are' if len(unknown) != 1 else ' is'}"
        st.session_state.setdefault("carts_said", []).append(f"Cart {which}: {n} not in this dataset: {some}.")


def _added(dataset: StoredDataset, which: str, sample_ids: list[str]) -> None:
    try:
        st.toast(add(dataset, which, sample_ids), icon=":material/shopping_cart:")
    except ArchscopeError as error:
        st.toast(str(error), icon=":material/error:", duration="infinite")


def _remove(dataset: StoredDataset, which: str) -> None:
    out = set(st.session_state[f"cart_out_{which}"])
    _put(dataset, which, [one for one in ids(dataset, which) if one not in out])
    st.session_state[f"cart_out_{which}"] = []


def _swap(dataset: StoredDataset) -> None:
    carts = _carts(dataset.name)
    carts["A"], carts["B"] = carts["B"], carts["A"]
