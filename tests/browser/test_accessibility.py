"""Every page under axe, the checker of Deque, in both colour schemes: nothing serious, nothing critical."""

from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import App
from tests.browser.driving import body, heading, metric, settle, upload

pytestmark = pytest.mark.browser
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe is not installed: pip install -r requirements-dev.txt"
)
VIEWS = {
    "overview": ("", "Overview"),
    "rankings": ("rankings", "Rankings"),
    "a gene of the rankings": ("rankings?gene=GFAP&biotype=protein_coding", "Rankings"),
    "a list of genes": ("rankings?tool=Gene+list", "Rankings"),
    "gene": ("gene?gene=GFAP", "Gene"),
    "neighbourhood": ("neighbourhood?gene=GFAP", "Neighbourhood"),
    "samples": ("samples", "Samples"),
    "comparison": ("samples?f=label%3Abrain&show=compare", "Samples"),
    "classify": ("classify", "Classify"),
    "classifiers": ("train", "Train"),
    "generators": ("train?model=Synthetic+samples", "Train"),
    "synthetic": ("synthetic", "Synthetic"),
    "data": ("data", "Data"),
}
GRAVE = ("serious", "critical")
ORDER = "heading-order"  # of moderate impact for axe, but what people who listen to a page go by
WITHIN = "([path, selectors]) => selectors.some(it => document.querySelector(path)?.closest(it))"


class Theirs(NamedTuple):
    """A finding in a widget of Streamlit's own that an app cannot change, and why."""

    rule: str
    selector: str
    scheme: str
    reason: str


WHITE = (
    "Streamlit writes in white on the primary colour; dark enough for that, it is too dark for chosen tabs, segments"
)
KNOWN = (
    Theirs("color-contrast", "[data-testid=stBaseButton-primary]", "dark", WHITE),
    Theirs("color-contrast", "[data-testid=stBaseButton-primaryFormSubmit]", "dark", WHITE),
    Theirs("color-contrast", "[data-testid=stMultiSelect]", "dark", WHITE),
)


def findings(page: Page, scheme: str) -> list[str]:
    """What axe finds grave in a page as it is, less what is known of Streamlit's widgets."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    settle(page)
    found: list[dict[str, Any]] = axe.Axe().run(page).response["violations"]
    return [
        f"{scheme}: {each['id']} ({each['impact']}): {node['html'][:200]} {node['failureSummary']}"
        for each in found if each["impact"] in GRAVE or each["id"] == ORDER
        for node in each["nodes"] if not known(page, each["id"], node["target"], scheme)
    ]  # fmt: skip


def known(page: Page, rule: str, target: list[str], scheme: str) -> bool:
    """Whether a finding is one of those that an app cannot change."""
    selectors = [each.selector for each in KNOWN if (each.rule, each.scheme) == (rule, scheme)]
    return len(target) == 1 and bool(page.evaluate(WITHIN, [target[0], selectors]))


def expect_none(page: Page) -> None:
    """Nothing grave in either colour scheme."""
    found = findings(page, "light") + findings(page, "dark")
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_has_no_grave_finding_in_either_scheme(demo_app: App, view: str) -> None:
    path, name = VIEWS[view]
    page = demo_app.open(path)
    heading(page, name)
    expect_none(page)


def test_a_classified_sample_has_no_grave_finding(demo_app: App) -> None:
    page = demo_app.open("classify")
    upload(page, "patient.csv", (demo_app.root / "demo/example_brain.csv").read_bytes())
    expect(metric(page, "Predicted label")).to_contain_text("brain")
    expect_none(page)


def test_an_explanation_that_is_open_has_no_grave_finding(demo_app: App) -> None:
    page = demo_app.open("rankings")
    body(page).get_by_role("button", name="What am I looking at?").click()
    expect(page.get_by_text("The whole method with its equations")).to_be_visible()
    expect_none(page)


def test_axe_is_heard(demo_app: App) -> None:
    """A button without a name and pale text, put into a page of ours, are found: the other tests can fail."""
    page = demo_app.open("")
    body(page).evaluate(
        "main => main.insertAdjacentHTML('afterbegin', '<button></button><p style=\"color: #ccc\">pale</p>')"
    )
    found = "\n".join(findings(page, "light"))
    assert "button-name" in found
    assert "color-contrast" in found
