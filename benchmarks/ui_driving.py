"""What a user of the dashboard does in a browser, each action timed inside the page.

The clock starts at the event of the user's click or key (in a first view: at the navigation) and stops at the first
frame in which the new content is there, the script rests, nothing on the page is stale and every chart is drawn.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable
from urllib.parse import urlencode

from playwright.async_api import Browser, BrowserContext, Page, WebSocket

PAGES = {
    "Overview": "", "Rankings": "rankings", "Gene": "gene", "Neighbourhood": "neighbourhood", "Samples": "samples",
    "Classify": "classify", "Train": "train", "Synthetic": "synthetic", "Data": "data",
}  # fmt: skip
PATIENCE = 120_000  # milliseconds
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
]  # fmt: skip
SORTS = ("Mean", "Variance", "Tau", "Gini", "Zeros", "Length")
ROWS = 6  # rows of the table that can be clicked without scrolling
ROW, MARKER = 35, 18  # pixels: height of a row and of the head, middle of the column of check boxes
FILLED = f"() => document.querySelectorAll(\"tbody td[aria-colindex='1']:not(:empty)\").length >= {ROWS}"
SCRIPT = """
window.bench = {
  acted: 0, ran: false, late: false,
  settled: () => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning"
    && !document.querySelector("[data-testid=stMain] [data-stale=true], [data-testid=stMain] [data-testid=stSkeleton]")
    && [...document.querySelectorAll("[data-testid=stPlotlyChart]")].every(bench.drawn),
  drawn: chart => !chart.checkVisibility() || !!chart.querySelector(".js-plotly-plot .cartesianlayer path, canvas"),
  titled: name => document.querySelector("[data-testid=stMain] h1")?.innerText === name,
  line: () => [...document.querySelectorAll("[data-testid=stMain] [data-testid=stMarkdown] p")]
    .map(p => p.textContent).find(text => / genes.*, by (falling|rising) /.test(text)) ?? "",
  watch: test => { bench.ran = false; bench.done = new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      bench.late = true;
      reject(new Error(`nothing new after PATIENCE ms: ${test}`));
    }, PATIENCE);
    const look = () => {
      if (bench.late) return;
      if (!test() || !bench.settled()) return requestAnimationFrame(look);
      clearTimeout(late);
      resolve(performance.now());
    };
    requestAnimationFrame(look);
  }); bench.done.catch(() => 0); },
};
new MutationObserver(() => { bench.ran = true; })
  .observe(document, {subtree: true, attributeFilter: ["data-test-script-state"]});
addEventListener("DOMContentLoaded", () => bench.watch(() => !!document.querySelector("[data-testid=stMain] h1")));
for (const kind of ["click", "input", "keydown"])
  addEventListener(kind, event => { if (event.isTrusted) bench.acted = event.timeStamp; }, true);
""".replace("PATIENCE", str(PATIENCE))
FIRST, AGAIN, PAGE = "first view", "view again", "page"
SORT, FILTER, SEARCH, TYPED, GENE = "sort", "filter", "search", "search while typing", "gene"


class User:
    """One browser session at work; ``times`` collects the seconds of each action, by name."""

    def __init__(self, browser: Browser, address: str, dataset: str, seed: int, pause: float = 0.0) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)
        self._browser, self._address, self._dataset = browser, address, dataset
        self._random, self._pause = random.Random(seed), pause

    async def work(self, rounds: int) -> None:
        """Every kind of action, ``rounds`` times each: in each round someone comes anew, and one who stays goes on."""
        await self._think()
        context, page = await self.first_view("", counts=False)
        await self.change_pages(page, counts=False)
        for number in range(rounds):
            await self._arrive()
            await self.change_pages(page)
            await self.use_table(page, number)
            await self.choose_gene(page, number)
        await context.close()

    async def _arrive(self) -> None:
        """A first view in a browser that knows nothing of the app, and one in a browser that has its files."""
        await self._think()
        context, page = await self.first_view("")
        await self._think()
        await page.reload()
        self.times[AGAIN].append(await page.evaluate("bench.done") / 1000)
        await context.close()

    async def first_view(self, path: str, counts: bool = True) -> tuple[BrowserContext, Page]:
        """A page in a browser session of its own, with an empty cache."""
        context = await self._browser.new_context(viewport={"width": 1440, "height": 1000}, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE)
        await context.add_init_script(SCRIPT)
        page = await context.new_page()
        await page.goto(self._url(path))
        seconds = await page.evaluate("bench.done") / 1000
        if counts:
            self.times[FIRST].append(seconds)
        return context, page

    async def received(self, path: str) -> int:
        """Bytes that the first view of a page gets over its web socket."""
        context = await self._browser.new_context(viewport={"width": 1440, "height": 1000})
        await context.add_init_script(SCRIPT)
        page, sizes = await context.new_page(), [0]
        page.on("websocket", lambda socket: _count(socket, sizes))
        await page.goto(self._url(path))
        await page.evaluate("bench.done")
        await page.wait_for_timeout(1000)
        await context.close()
        return sum(sizes)

    async def change_pages(self, page: Page, counts: bool = True) -> None:
        """To each page but the one that is open, through the sidebar, in random order."""
        links, names = page.get_by_test_id("stSidebarNav"), list(PAGES)
        self._random.shuffle(names)
        for name in names:
            if await page.evaluate(f"bench.titled('{name}')"):
                continue
            click = links.get_by_role("link", name=name, exact=True).click(no_wait_after=True)
            seconds = await self._timed(page, f"() => bench.titled('{name}')", click)
            if counts:
                self.times[f"{PAGE}: {name}"].append(seconds)

    async def use_table(self, page: Page, number: int) -> None:
        """Filters, sorts and searches all genes, in a way that was not asked for before."""
        await page.goto(self._url("rankings"))
        await page.evaluate("bench.done")
        least, word = f"{self._random.uniform(0.01, 3):.4f}", f"{self._random.randrange(1000):03d}"
        await self._fill(page, FILTER, "min_mean", least)
        await page.locator(".st-key-sort input").click()
        option = page.get_by_role("option", name=SORTS[number % len(SORTS)], exact=True)
        self.times[SORT].append(await self._timed(page, await _other_line(page), option.click()))
        await self._fill(page, SEARCH, "q", word)
        await self._fill(page, TYPED, "q", word[::-1] + "1", enter=False)

    async def choose_gene(self, page: Page, number: int) -> None:
        """Clicks a row of the rankings, until both charts of that gene are drawn."""
        query = urlencode({"dataset": self._dataset, "page": self._random.randrange(1, 50)})
        await page.goto(f"{self._address}/rankings?{query}")
        await page.evaluate("bench.done")
        table = page.locator("[data-testid=stDataFrame]:visible").first
        await table.scroll_into_view_if_needed()
        await table.hover()
        await page.wait_for_function(FILLED)  # cells come a moment after their table
        names = await table.locator("tbody td[aria-colindex='1']").all_text_contents()
        row = number % ROWS
        click = table.locator(".dvn-scroller").click(position={"x": MARKER, "y": ROW + ROW * row + ROW // 2})
        both = " && ".join(f"document.querySelector('.st-key-{key}-{names[row]} .js-plotly-plot')"
                           for key in ("distribution", "labels"))  # fmt: skip
        self.times[GENE].append(await self._timed(page, f"() => !!({both})", click))

    def _url(self, path: str) -> str:
        return f"{self._address}/{path}?{urlencode({'dataset': self._dataset})}"

    async def _fill(self, page: Page, what: str, key: str, value: str, enter: bool = True) -> None:
        """Writes into a field of the rankings; counts until the line above the table is that of the new rows.

        Without ``enter`` the pause counts, too, after which the app takes it that typing has ended.
        """
        field = page.locator(f".st-key-{key} input")
        other = await _other_line(page)

        async def act() -> None:
            await field.fill(value)
            if enter:
                await field.press("Enter")

        seconds = await self._timed(page, other, act())
        if what:
            self.times[what].append(seconds)

    async def _timed(self, page: Page, test: str, action: Awaitable[None]) -> float:
        """Seconds from the user's last click or key of an action to the frame that shows what it led to."""
        await self._think()
        await page.evaluate(f"{{ bench.watch({test}) }}")
        await action
        return float(await page.evaluate("bench.done.then(at => at - bench.acted)")) / 1000

    async def _think(self) -> None:
        if self._pause:
            await asyncio.sleep(self._random.uniform(0.5, 1.5) * self._pause)


async def _other_line(page: Page) -> str:
    """A test in the page: the line above the table of genes is not what it is now, or it came out the same again."""
    now = await page.evaluate("JSON.stringify(bench.line())")
    return f"() => bench.line() !== '' && (bench.ran || bench.line() !== {now})"


def _count(socket: WebSocket, sizes: list[int]) -> None:
    socket.on("framereceived", lambda payload: sizes.append(len(payload)))
