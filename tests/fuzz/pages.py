"""Addresses of every page: parameters that the pages know, with values that nobody meant, through AppTest."""

import json
import random
import re
from functools import cache
from pathlib import Path

from core.settings import PROJECT
from tests.fuzz import mutate
from tests.fuzz.demo import demo_workspace
from tests.fuzz.target import Target, is_one_line

_NAMES = re.compile(
    r"""(?:param|get|get_all)\(\s*f?"(\w+)"|key="(\w+)"[^)]*?bind="query-params"|set_params\((\w+)=""", re.DOTALL
)
# Beyond what stands in files: long, hostile to databases, regular expressions, paths, HTML, Markdown, LaTeX, numbers.
VALUES = [
    "x" * 20_000, "\0", "a\0b", "'; DROP TABLE rankings; --", "' OR 1=1 --", '" OR ""="', "%", "_", "\\", "(a+)+$",
    "(" * 500, "[", "(?P<x", "(.*)*b",
    "a{9999999}", "((((((((((a*)*)*)*)*)*)*)*)*)*)*b", "(?=a)" * 200, "\\1", "(?i)(?x)", "../../../etc/passwd",
    "/etc/passwd", "..", "file:///etc/passwd", "-1", "0", "1",
    "2", "999999999999999999999999", "1e309", "nan", "inf", "-inf", "1.5", "0x10", "1,2", "1_0", "\u0661", "true",
    "True", "false", "null", "None", "[]", "{}",
    '{"a": 1}', "[[0,0],[1,1]]", "0,0;1,1;1,0", "nan,nan;inf,1;1,2", "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>", "**b** [x](javascript:alert(1))",
    "![x](https://example.org/x.png)", "$\\frac{1}{0}$", "$$\\def\\x{\\x}\\x$$", ":red[x]", ":material/home:",
    "\u202eabc", "\U0001f9ec", "\ufeff", "e\u0301", "\ud7ff", "a|b", ",,,",
    "a" * 300 + "," * 300, ",".join(f"GSM{i}" for i in range(3000)), "signal", "mean_cosine", "brain", "demo", "TP53",
    "gene", "+", " ", "",
]  # fmt: skip


@cache
def names() -> tuple[str, ...]:
    """Parameters that the pages read, found in their code."""
    found = set()
    for path in (PROJECT / "pages").rglob("*.py"):
        found |= {next(filter(None, groups)) for groups in _NAMES.findall(path.read_text(encoding="utf-8"))}
    return tuple(sorted(found | {"dataset", "gene", "sample", "run", "label", "f", "page", "rows"}))


@cache
def pages() -> tuple[str, ...]:
    """Names of the pages."""
    return tuple(sorted(path.stem for path in (PROJECT / "pages").glob("[!_]*.py")))


@cache
def _known() -> dict[str, list[str]]:
    """Values that mean something in the demo dataset."""
    workspace = demo_workspace()
    dataset = workspace.dataset("demo")
    runs = [run.id for run in workspace.runs.all()] if hasattr(workspace.runs, "all") else []
    return {
        "dataset": ["demo"], "gene": [*dataset.rankings["symbol"].head(3),
        *dataset.rankings["ensembl_gene_id"].head(2)],
        "sample": list(dataset.biosamples["sample_id"].head(4)),
        "biosample": list(dataset.biosamples["sample_id"].head(2)),
        "run": runs or ["x"], "label": list(dataset.label_names[:3]), "example": ["example_brain.csv",
        "example_mixed.csv"],
    }  # fmt: skip


def make_address(rng: random.Random) -> bytes:
    page = rng.choice(pages())
    chosen = {name: rng.choice(values) for name, values in _known().items() if rng.random() < 0.5}
    for name in rng.sample(names(), rng.choice([1, 2, 3, 8, len(names())])):
        known = _known().get(name)
        value = (
            rng.choice(known)
            if known and rng.random() < 0.2
            else rng.choice(VALUES if rng.random() < 0.8 else mutate.CELLS)
        )
        chosen[name] = value
    return json.dumps({"page": page, "params": chosen}).encode()


def open_address(data: bytes, folder: Path) -> None:
    """Opens the page; nothing but boxes of one line may be wrong with it."""
    import os

    from streamlit.testing.v1 import AppTest

    asked = json.loads(data)
    os.environ["ARCHSCOPE_DATA"] = str(demo_workspace().root)
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    for name, value in asked["params"].items():
        app.query_params[name] = value
    app = app.switch_page(f"pages/{asked['page']}.py").run()
    assert not app.exception, " ".join(f"{box.message} {box.stack_trace[-2:]}" for box in app.exception)[:900]
    for box in app.error:
        text = str(box.value)
        assert is_one_line(text.replace("\\", "")[:600]) and len(text) < 1200, (
            f"an error of several lines: {text[:200]}"
        )
        assert "Traceback" not in text and "](javascript:" not in text.replace("\\", "x"), "what the box shows"


TARGETS = [
    Target(
        "addresses of pages (query parameters)",
        make_address,
        open_address,
        0.06,
        "the page, with boxes of one line",
        parser=False,
    ),
]
