"""Where exports come from: what is said of a dataset, and that it is found again in the files."""

import io
import json
import re
from datetime import UTC, datetime

import pandas as pd
import pyarrow.parquet as pq

from core import __version__, workflows
from core.figures.export import to_html
from core.settings import PROJECT
from core.store.files import read_json
from tests.figures.test_report import figure, read

ADDRESS = "http://127.0.0.1:8501/rankings?dataset=demo&q=a%26b"


def about(workspace):
    return workflows.provenance(workspace.dataset("demo"), ADDRESS, sample="DEMO00001")


def test_provenance_says_what_the_dataset_s_own_files_say(workspace, demo_root):
    found, manifest = about(workspace), read_json(demo_root / "datasets/demo/manifest.json")
    assert found["program"] == f"ARCHScope {__version__}"
    assert f'version = "{__version__}"' in (PROJECT / "pyproject.toml").read_text()
    assert (found["dataset"], found["fingerprint"]) == ("demo", manifest["fingerprint"])
    assert json.loads(found["recipe"]) == manifest["recipe"]
    assert found["data"] == "simulated, never measured"
    assert found["labels"].endswith(", 0 edits applied")
    assert (found["address"], found["sample"]) == (ADDRESS, "DEMO00001")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(found["exported"])).total_seconds()) < 600


def test_without_a_dataset_or_an_address_nothing_is_made_up(workspace):
    assert set(workflows.provenance(None)) == {"program", "exported"}
    assert "address" not in workflows.provenance(workspace.dataset("demo"))


def test_parquet_holds_every_entry_alone_and_all_of_them_as_json(workspace):
    found = about(workspace)
    table = workflows.rankings(workspace, "demo")
    content = workflows.to_parquet(table, found)
    held = pq.read_schema(io.BytesIO(content)).metadata
    assert {name: held[f"archscope.{name}".encode()].decode() for name in found} == found
    assert json.loads(held[b"archscope"]) == found
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(content)), table)


def test_html_holds_every_entry_to_read_and_for_programs(workspace):
    found = about(workspace)
    page = read(to_html(figure(), "Rankings", "told", found))
    assert page.facts == found
    named = {attributes.get("name", ""): attributes.get("content") for tag, attributes in page.tags if tag == "meta"}
    assert {name: named[f"archscope.{name}"] for name in found} == found


def test_file_names_hold_the_content_s_fingerprint(workspace):
    dataset = workspace.dataset("demo")
    marked = f"demo-{dataset.fingerprint[:8]}"
    assert workflows.file_stem("demo-rankings", dataset) == f"{marked}-rankings"
    assert workflows.file_stem("labels-GFAP", dataset) == f"{marked}-labels-GFAP"
    assert workflows.file_stem("demo", dataset) == marked
    assert workflows.file_stem("datasets", None) == "datasets"
    assert re.fullmatch("[0-9a-f]{8}", dataset.fingerprint[:8])
