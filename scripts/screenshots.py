"""Takes the screenshots that README shows: python scripts/screenshots.py [DATA_FOLDER] [DATASET]

The folder must hold the dataset with a trained classifier and generator. Default: the demo in the app's own folder.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Page, sync_playwright

from core.settings import PROJECT, data_dir
from core.store.datasets import StoredDataset
from tests.browser.conftest import launch, serve
from tests.browser.driving import settle

WIDTH, WHOLE, MOST, MARGIN = 1440, 5000, 2000, 24  # pixels; a page is drawn whole, and shown up to MOST
VIEWS = {
    "overview": "?dataset={0}",
    "rankings": "rankings?dataset={0}&gene=GFAP",
    "gene": "gene?dataset={0}&gene=GFAP",
    "neighbourhood": "neighbourhood?dataset={0}&gene=GFAP",
    "samples": "samples?dataset={0}&show=compare&cart_a={1}&cart_b={2}",
    "classify": "classify?dataset={0}&example=example_brain.csv",
    "train": "train?dataset={0}",
    "synthetic": "synthetic?dataset={0}",
    "data": "data?dataset={0}",
}
BOXES = "[data-testid=stMain] :is([data-testid=stElementContainer], [data-testid=stPopover])"
HEADS = "[data-testid=stHeading], [data-testid=stMarkdown]:not(:has([data-testid=stCaptionContainer]))"
EDGES = """([boxes, heads]) => [...document.querySelectorAll(boxes)].filter(
    each => each.checkVisibility() && !each.querySelector(boxes)
).map(each => {
    const box = each.getBoundingClientRect();
    return [box.top, box.bottom, each.querySelector(heads) !== null];
}).filter(([top, bottom]) => bottom > top)"""


def main() -> None:
    """One PNG a page, in the light theme."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else data_dir()
    name = sys.argv[2] if len(sys.argv) > 2 else "demo"
    carts = [members(StoredDataset(root / "datasets" / name), label) for label in ("brain", "liver")]
    images = PROJECT / "docs" / "images"
    images.mkdir(exist_ok=True)
    with sync_playwright() as playwright, launch(playwright) as browser, serve(root, browser) as app:
        for page_name, address in VIEWS.items():
            page = app.open(address.format(name, *carts), width=WIDTH)
            page.set_viewport_size({"width": WIDTH, "height": WHOLE})
            page.wait_for_timeout(2500)
            settle(page)
            if wrong := page.get_by_test_id("stAlertContentError").all_inner_texts():
                sys.exit(f"{page_name}: {wrong[0]}")
            height = end(page)
            page.set_viewport_size({"width": WIDTH, "height": height})
            page.wait_for_timeout(800)
            page.screenshot(path=images / f"{page_name}.png")
            app.close()


def members(dataset: StoredDataset, label: str) -> str:
    """Ids of a few biosamples of a label, as the address of the Samples page has them."""
    return ",".join(dataset.labels.loc[dataset.labels["label"] == label, "sample_id"].head(30))


def end(page: Page) -> int:
    """Where to end the picture: the lowest place above MOST that goes through no element and follows no heading."""
    boxes = page.evaluate(EDGES, [BOXES, HEADS])
    ends = [low for _, low, text in boxes
            if not text and low <= MOST and not any(top < low < bottom for top, bottom, _ in boxes)]  # fmt: skip
    low = max(ends, default=MOST)
    gap = min((top - low for top, _, _ in boxes if top >= low), default=2 * MARGIN)
    return int(low + min(MARGIN, gap / 2))


if __name__ == "__main__":
    main()
