"""What a user does on a page of Streamlit's: read and click tables, fill fields, drag in charts, take files."""

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

READY = "[data-testid=stApp][data-test-script-state=notRunning]"
ROW, HEAD, MARKER = 35, 35, 18  # pixels: height of a table's rows and head, middle of its column of check boxes

IN_DATA = """(plot, [x0, y0, x1, y1]) => {
    const {xaxis, yaxis} = plot._fullLayout;
    return [xaxis.p2l(x0), yaxis.p2l(y0), xaxis.p2l(x1), yaxis.p2l(y1)];
}"""
Box = tuple[float, float, float, float]


def settle(page: Page) -> None:
    """Waits until the script rests, and fails on a traceback."""
    page.wait_for_selector(READY)
    page.wait_for_timeout(400)
    page.wait_for_selector(READY)
    assert page.get_by_test_id("stException").all_inner_texts() == []


def body(page: Page) -> Locator:
    """The page beside the sidebar."""
    return page.get_by_test_id("stMain")


def heading(page: Page, name: str) -> None:
    """Waits for the page of that title."""
    expect(body(page).get_by_role("heading", name=name, level=1, exact=True)).to_be_visible()


def keyed(page: Page, key: str) -> Locator:
    """The element that the app gave that key."""
    return page.locator(f".st-key-{key}")


def table(page: Page, name: str) -> Locator:
    """The table of that name."""
    return page.locator("[data-testid=stDataFrame]:visible").filter(has=page.locator(f"button[aria-label$='{name}']"))


def cells(found: Locator, number: int = 1) -> Locator:
    """The cells in view of a column (from 1) of a table; they come a moment after the table does."""
    return found.locator(f"tbody td[aria-colindex='{number}']")


def column(found: Locator, number: int = 1) -> list[str]:
    """What the rows in view hold in a column (from 1) of a table that is not empty."""
    expect(cells(found, number).first).not_to_be_empty()
    return cells(found, number).all_text_contents()


def choose_row(found: Locator, row: int) -> None:
    """Ticks a row (from 0) of a table."""
    found.scroll_into_view_if_needed()
    found.locator(".dvn-scroller").click(position={"x": MARKER, "y": HEAD + ROW * row + ROW // 2})


def expect_chart(page: Page, key: str, timeout: float = 30_000) -> None:
    """Waits until the chart of that key is drawn, and the one that it replaces is gone."""
    expect(keyed(page, key).locator(".js-plotly-plot").filter(visible=True)).to_have_count(1, timeout=timeout)


def fill(field: Locator, value: object) -> None:
    """Types into a field and leaves it."""
    field.fill(str(value))
    field.press("Enter")


def choose(page: Page, field: Locator, option: str) -> None:
    """Chooses an option of a select box, by its exact words."""
    field.locator("input").click()
    page.get_by_role("option", name=option, exact=True).click()


def follow(page: Page, name: str) -> None:
    """Clicks a page's link in the sidebar, and waits for that page."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name).click()
    heading(page, name)


def select_box(page: Page, chart: Locator, left: float, top: float, right: float, bottom: float) -> tuple[Box, Box]:
    """Draws a box in a chart, in shares of its plot's width and height.

    Returns it in data (logarithms on a logarithmic axis) as x0, y0, x1, y1, two pixels smaller and two pixels larger.
    """
    plot = chart.locator(".js-plotly-plot")
    plot.scroll_into_view_if_needed()
    plot.hover()
    plot.locator("[data-title='Box Select']").click()
    area = plot.locator(".nsewdrag").first.bounding_box()
    assert area is not None
    x0, x1 = (round(share * area["width"]) for share in (left, right))
    y0, y1 = (round(share * area["height"]) for share in (top, bottom))
    edges = ([x0 + slack, y1 - slack, x1 - slack, y0 + slack] for slack in (2, -2))
    inner, outer = (plot.evaluate(IN_DATA, edge) for edge in edges)
    page.mouse.move(area["x"] + x0, area["y"] + y1)
    page.mouse.down()
    page.mouse.move(area["x"] + (x0 + x1) / 2, area["y"] + (y0 + y1) / 2, steps=4)
    page.mouse.move(area["x"] + x1, area["y"] + y0, steps=4)
    page.mouse.up()
    return inner, outer


def upload(page: Page, name: str, data: bytes) -> None:
    """Gives the Classify page a file."""
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": data}
    keyed(page, "upload_file").locator("input[type=file]").set_input_files(files=[file])  # type: ignore[list-item]


def metric(page: Page, name: str) -> Locator:
    """A figure with a name: the element that holds both."""
    return body(page).get_by_test_id("stMetric").filter(has_text=name)


def download(page: Page, key: str, folder: Path) -> Path:
    """Presses the download button of that key; the file that comes, under the name that the app gives it."""
    settle(page)
    with page.expect_download() as coming:
        keyed(page, key).locator("button:visible").click()  # Streamlit keeps a hidden copy to measure its tooltip
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path
