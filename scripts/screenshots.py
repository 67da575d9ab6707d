"""Takes the screenshots that README shows: python scripts/screenshots.py [DATA_FOLDER] [DATASET]

The folder must hold the dataset with a trained classifier and generator. Default: the demo in the app's own folder.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import sync_playwright

from core.settings import PROJECT, data_dir
from tests.browser.conftest import launch, serve
from tests.browser.driving import settle

VIEWS = {
    "overview": "?dataset={0}",
    "rankings": "rankings?dataset={0}&gene=GFAP",
    "neighbourhood": "neighbourhood?dataset={0}&gene=GFAP",
    "classify": "classify?dataset={0}&example=example_brain.csv",
    "train": "train?dataset={0}",
    "synthetic": "synthetic?dataset={0}",
    "data": "data?dataset={0}",
}


def main() -> None:
    """One PNG a page, 1440 px wide and as high as a laptop's screen and a half."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else data_dir()
    name = sys.argv[2] if len(sys.argv) > 2 else "demo"
    images = PROJECT / "docs" / "images"
    images.mkdir(exist_ok=True)
    with sync_playwright() as playwright, launch(playwright) as browser, serve(root, browser) as app:
        for page_name, address in VIEWS.items():
            page = app.open(address.format(name))
            page.set_viewport_size({"width": 1440, "height": 1350})
            page.wait_for_timeout(2500)
            settle(page)
            page.screenshot(path=images / f"{page_name}.png")


if __name__ == "__main__":
    main()
