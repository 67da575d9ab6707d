"""Every page at the width of a desk and of a phone: nothing overflows, axes have titles, figures have a sentence."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from tests.browser.driving import body, heading, settle

pytestmark = pytest.mark.browser
PAGES = {
    "overview": ("?dataset=demo", "Overview"),
    "rankings": ("rankings?dataset=demo&gene=GFAP", "Rankings"),
    "gene": ("gene?dataset=demo&gene=GFAP", "Gene"),
    "neighbourhood": ("neighbourhood?dataset=demo&gene=ALB", "Neighbourhood"),
    "samples": ("samples?dataset=demo", "Samples"),
    "classify": ("classify?dataset=demo&biosample=DEMO00004", "Classify"),
    "train": ("train?dataset=demo", "Train"),
    "synthetic": ("synthetic?dataset=demo", "Synthetic"),
    "data": ("data?dataset=demo", "Data"),
}
HAS_FIGURES = {"overview", "rankings", "gene", "neighbourhood", "classify", "train", "synthetic"}
# Axes whose numbers or names are written, and that have neither a title of their own nor share one with others.
UNTITLED = """() => [...document.querySelectorAll('.js-plotly-plot')].filter(it => it.offsetParent).flatMap(plot => {
    const layout = plot._fullLayout, axes = Object.keys(layout).filter(name => /^[xy]axis[0-9]*$/.test(name));
    const titled = letter => axes.some(name => name[0] === letter && layout[name].title?.text?.trim());
    return axes.filter(name => layout[name].visible && layout[name].showticklabels && !titled(name[0])
        && layout[name].type !== 'category').map(name => `${plot.closest('[class*=st-key-]').className}: ${name}`);
})"""
SENTENCES = """found => found.map(
    it => it.getAttribute('aria-label') || it.querySelector('[aria-label]')?.ariaLabel || '')"""
# Ticks and titles of axes that leave their chart, or that lie over each other; on a phone a title may be too long.
CUT = """phone => [...document.querySelectorAll('.js-plotly-plot')].filter(it => it.offsetParent).flatMap(plot => {
    const box = plot.getBoundingClientRect(), name = plot.closest('[class*=st-key-]').className.match(/st-key-\\S+/)[0];
    const of = chosen => [...plot.querySelectorAll(chosen)].filter(it => it.textContent.trim())
        .map(it => ({text: it.textContent, at: it.getBoundingClientRect()})).filter(({at}) => at.width > 0);
    const titles = of('[class^="g-x"][class$="title"] text, [class^="g-y"][class$="title"] text');
    const ticks = of('.xtick text, .ytick text, [class*="tick"] > text');
    const outside = [...titles, ...ticks].filter(({at}) => at.left < box.left - 2 || at.bottom > box.bottom + 2
        || !phone && (at.top < box.top - 2 || at.right > box.right + 2));
    const under = titles.filter(({at}) => ticks.some(({at: tick}) => Math.min(at.right, tick.right)
        - Math.max(at.left, tick.left) > 3 && Math.min(at.bottom, tick.bottom) - Math.max(at.top, tick.top) > 3));
    const told = (found, what) => found.map(({text}) => `${innerWidth} px, ${name}: ${what}: ${text}`);
    return [...told(outside, 'cut off'), ...told(under, 'over ticks')];
})"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
INSIDE = """() => { const main = document.querySelector('[data-testid=stMain]');
    return main.scrollWidth - main.clientWidth; }"""


def figures(page: Page) -> int:
    return int(page.locator(".js-plotly-plot").filter(visible=True).count())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_and_its_figures_say_what_they_show(demo_app: App, name: str) -> None:
    path, title = PAGES[name]
    page = demo_app.open(path)
    heading(page, title)
    if name in HAS_FIGURES:
        expect(page.locator(".js-plotly-plot").filter(visible=True).first).to_be_visible(timeout=60_000)
        settle(page)
        assert page.evaluate(UNTITLED) == []
        told = page.locator("[data-testid=stPlotlyChart]").filter(visible=True).evaluate_all(SENTENCES)
        assert len(told) >= figures(page) > 0
        assert all(len(sentence.split()) >= 3 for sentence in told), told
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        settle(page)
        assert page.evaluate(WIDER) <= 0
        assert page.evaluate(INSIDE) <= 0
        assert page.evaluate(CUT, width < 400) == []
        heading(page, title)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_explains_itself_and_leads_to_the_method(demo_app: App, name: str) -> None:
    path, title = PAGES[name]
    page = demo_app.open(path)
    heading(page, title)
    settle(page)
    body(page).get_by_role("button", name="What am I looking at?").click()
    shown = page.get_by_test_id("stPopoverBody").filter(visible=True)
    link = shown.get_by_role("link", name="The whole method with its equations")
    expect(link).to_be_visible()
    expect(shown).to_contain_text(re.compile(r"(\S+\s+){40}"))  # the text comes a moment after the popover
    if name in ("overview", "rankings", "gene", "neighbourhood", "classify", "data"):
        expect(shown.locator(".katex").first).to_be_visible()
    if name == "rankings":
        link.click()
        heading(page, "Method")
        expect(body(page)).to_contain_text("L = log2(1 + X)")
