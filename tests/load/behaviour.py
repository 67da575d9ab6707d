"""What people do with the dashboard, and after every action the check that what they see is their own."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.load.cast import Person
from tests.load.session import Session

PAGES = ("Overview", "Rankings", "Gene", "Neighbourhood", "Samples", "Classify", "Train", "Synthetic", "Data")
SORTS = ("mean", "variance", "tau", "gini", "zero_share", "length_bp", "signal")
NAME = re.compile(r"person-\d{3}")
FIRST, PAGE, GENE, MEMBERS = "first view", "change of page", "choose a gene", "neighbourhood of a gene"
SEARCH, SORT, FIND, CART = "search genes", "sort genes", "find biosamples", "fill a cart"
UPLOAD, BACK, TRAIN = "upload and classify", "back to the upload", "start a training"
BROWSING = {PAGE: 4, GENE: 3, MEMBERS: 2, SEARCH: 3, SORT: 2, FIND: 2, CART: 1}  # what is done, and how often


@dataclass
class Log:
    """What happened: seconds of each action by its kind, and what was not a person's own."""

    times: dict[str, list[float]] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    received: int = 0

    def note(self, kind: str, seconds: float) -> None:
        """Takes an action down."""
        self.times.setdefault(kind, []).append(seconds)

    @property
    def actions(self) -> int:
        """How many there were."""
        return sum(len(each) for each in self.times.values())


class User:
    """A person at work in a session."""

    def __init__(self, person: Person, session: Session, log: Log) -> None:
        self._who, self._session, self._log = person, session, log
        self._page = ""
        self._digest = ""
        self._pause = (0.0, 0.0)
        self._acts: dict[str, Callable[[], Awaitable[float]]] = {
            PAGE: self._change_page, GENE: self._choose_gene, MEMBERS: self._look_at_members, SEARCH: self._search,
            SORT: self._sort, FIND: self._find, CART: self._fill_cart,
        }  # fmt: skip

    async def arrive(self) -> None:
        """The first view of the person's dataset."""
        seconds = await self._session.open("", dataset=self._who.dataset)
        self._page = "Overview"
        self._done(FIRST, seconds)

    async def browse(self, until: float, pause: tuple[float, float], actions: int | None = None) -> None:
        """Acts, at random, and thinks in between, until that moment or for that many actions."""
        draw, kinds, self._pause = self._who.random, list(BROWSING), pause
        while time.monotonic() < until and actions != 0:
            await think(draw, pause)
            kind = draw.choices(kinds, [BROWSING[each] for each in kinds])[0]
            self._done(kind, await self._acts[kind]())
            actions = None if actions is None else actions - 1

    async def every_page(self) -> None:
        """Each page once, with a gene, a search and a cart."""
        for name in PAGES:
            await self._go(name)
            self._done(PAGE, 0.0)
        for kind in BROWSING:
            self._done(kind, await self._acts[kind]())

    async def classify(self, data: bytes, pause: tuple[float, float]) -> None:
        """Uploads the person's own sample, reads the answer, goes away and comes back by the address."""
        await self._go("Classify")
        seconds = await self._session.upload("upload_file", f"{self._who.name}.csv", data)
        self._digest = self._session.param("upload")
        self._done(UPLOAD, seconds)
        await think(self._who.random, pause)
        await self._go("Overview")
        await think(self._who.random, pause)
        self._done(BACK, await self._go("Classify", dataset=self._who.dataset, upload=self._digest))

    async def train(self, kind: str) -> None:
        """Starts a small training with the form of the Train page; its seed is the person's own."""
        tab = {"classifier": "Classifier", "generator": "Synthetic samples"}[kind]
        await self._go("Train", dataset=self._who.dataset, model=tab)
        small = {"Trees": 40.0, "Marker genes": 100.0} if kind == "classifier" else {"Steps": 40.0}
        tree = self._session.tree
        fields = [(tree.labelled("number_input", name), value) for name, value in small.items()]
        fields.append((tree.labelled("number_input", "Seed"), float(self._who.seed)))
        fields.append((tree.labelled("button", "Start training"), True))  # type: ignore[arg-type]
        self._done(TRAIN, await self._session.set_nodes(fields))

    # -- actions ---------------------------------------------------------------------------------------------------

    async def _go(self, name: str, **params: str) -> float:
        self._page = name
        return await self._session.go(name, **params)

    async def _be_on(self, name: str) -> None:
        """Goes to a page first, where another is shown, and reads there."""
        if self._page != name:
            self._done(PAGE, await self._go(name))
            await think(self._who.random, self._pause)

    async def _change_page(self) -> float:
        return await self._go(self._who.random.choice([name for name in PAGES if name != self._page]))

    async def _choose_gene(self) -> float:
        await self._be_on("Gene")
        return await self._session.set({"gene_picker": self._who.next_gene()})

    async def _look_at_members(self) -> float:
        await self._be_on("Neighbourhood")
        return await self._session.set({"gene_picker": self._who.next_gene()})

    async def _search(self) -> float:
        await self._be_on("Rankings")
        wanted = next(self._who.genes)
        seconds = await self._session.set({"q": wanted})
        found = self._session.tree.table("Rankings of genes")
        hits = found["symbol"].str.contains(wanted, regex=False) | found["ensembl_gene_id"].eq(wanted)
        if found.empty or not hits.all():
            self._foreign(f"a search for {wanted} found {found['symbol'].tolist()[:5]}")
        await self._session.set({"q": ""})
        return seconds

    async def _sort(self) -> float:
        await self._be_on("Rankings")
        picker = self._session.tree.keyed("sort").content
        words = [text for text in picker.options if text != picker.raw_value]  # type: ignore[attr-defined]
        wanted = self._who.random.choice(words)
        seconds = await self._session.set({"sort": wanted})
        if f"by falling {wanted.lower()}" not in (text := self._session.tree.text()) and (
            f"by rising {wanted.lower()}" not in text
        ):
            self._foreign(f"genes sorted by {wanted} are not said to be")
        return seconds

    async def _find(self) -> float:
        await self._be_on("Samples")
        label = self._who.random.choice(self._who.words)
        seconds = await self._session.set({"words": label})
        found = self._session.tree.table("Biosamples found")
        in_row = found.astype(str).agg(" ".join, axis=1).str.lower()
        if found.empty or not all(in_row.str.contains(word, regex=False).all() for word in label.lower().split()):
            self._foreign(f"a search for {label} found other biosamples")
        return seconds

    async def _fill_cart(self) -> float:
        seconds = await self._find()
        if not self._session.tree.has("found_cart_A"):
            if "A cart holds at most" not in self._session.tree.text():
                self._foreign("what was found cannot be put into a cart, and the page does not say why")
            return seconds
        found = self._session.tree.table("Biosamples found")["sample_id"].tolist()
        seconds = await self._session.set({"found_cart_A": True})
        self._who.cart += [one for one in found if one not in self._who.cart]
        return seconds

    # -- is it mine? -----------------------------------------------------------------------------------------------

    def _done(self, kind: str, seconds: float) -> None:
        """Takes an action down, and looks for what is somebody else's or wrong."""
        self._log.note(kind, seconds)
        tree, who, page = self._session.tree, self._who, self._page
        if tree.heads("h1") != [page]:
            self._foreign(f"the title is {tree.heads('h1')}, not {page}")
        if self._session.param("dataset") != who.dataset:
            self._foreign(f"the dataset is {self._session.param('dataset')!r}, not {who.dataset!r}")
        others = {name for name in NAME.findall(tree.text(sidebar=False)) if name != who.name}
        if others:
            self._foreign(f"the page names {', '.join(sorted(others))}")
        self._look_at_gene()
        if (
            page == "Samples"
            and who.cart
            and len(who.cart) <= 60
            and self._session.param("cart_a") != ",".join(who.cart)
        ):
            self._foreign("cart A holds other biosamples")
        if page == "Classify" and kind in (UPLOAD, BACK):
            self._look_at_verdict()

    def _look_at_gene(self) -> None:
        tree, who, page = self._session.tree, self._who, self._page
        if page not in ("Gene", "Neighbourhood") or not who.gene:
            return
        shown = tree.keyed("gene_picker").content.raw_value  # type: ignore[attr-defined]
        key = f"distribution-{who.gene}" if page == "Gene" else f"heatmap-{who.gene}"
        if (shown, self._session.param("gene")) != (who.gene, who.gene) or not tree.has(key):
            self._foreign(f"the gene is {shown} (address: {self._session.param('gene')}), not {who.gene}")

    def _look_at_verdict(self) -> None:
        tree, who = self._session.tree, self._who
        if who.name not in tree.heads() or tree.metrics().get("Genes matched") != f"{who.n_genes:,}":
            self._foreign(f"the verdict is of {tree.heads()}, {tree.metrics().get('Genes matched')} genes")

    def _foreign(self, words: str) -> None:
        self._log.foreign.append(f"{self._who.name}, {self._page}: {words}")


async def think(draw: random.Random, pause: tuple[float, float]) -> None:
    """Reads for a while."""
    await asyncio.sleep(draw.uniform(*pause))
