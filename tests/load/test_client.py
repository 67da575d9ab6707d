"""The client of the load test: it keeps the page as a browser does, and it notices what is not a person's own."""

import random

import pytest
from streamlit import config
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.NumberInput_pb2 import NumberInput
from streamlit.proto.TextInput_pb2 import TextInput

from core.store.workspace import Workspace
from tests.load import protocol, report
from tests.load.behaviour import BACK, PAGE, Log, User
from tests.load.cast import Person, cast_of
from tests.load.session import Session
from tests.load.tree import Tree


def test_no_full_garbage_collection_holds_up_everybody_after_each_run_of_a_page():
    assert config.get_option("runner.postScriptGC") is False  # known to Streamlit by this name, and switched off


def words(text, fragment=""):
    delta = Delta(fragment_id=fragment)
    delta.new_element.markdown.body = text
    return delta


def heading(text, tag="h1"):
    delta = Delta()
    delta.new_element.heading.body, delta.new_element.heading.tag = text, tag
    return delta


def test_what_a_run_did_not_draw_again_goes_and_what_it_replaced_takes_its_children_along():
    tree, block = Tree(), Delta()
    block.add_block.vertical.border = True
    tree.put((0, 0), block, "first")
    tree.put((0, 0, 0), words("inside"), "first")
    tree.put((0, 1), words("below"), "first")
    tree.settle("first", ())
    assert tree.text() == "inside\nbelow"
    tree.put((0, 0), words("instead"), "second")
    assert tree.text() == "instead\nbelow"
    tree.settle("second", ())
    assert tree.text() == "instead"


def test_a_fragment_takes_away_only_what_is_its_own():
    tree = Tree()
    tree.put((0, 0), words("page"), "first")
    tree.put((1, 0), words("job 1", "tray"), "first")
    tree.put((1, 1), words("job 2", "tray"), "first")
    tree.put((1, 0), words("job 2", "tray"), "second")
    tree.settle("second", ("tray",))
    assert tree.text() == "page\njob 2"
    assert tree.text(sidebar=True) == "job 2"


def test_errors_are_seen_in_boxes_and_as_exceptions():
    tree, box, crash = Tree(), Delta(), Delta()
    box.new_element.alert.body, box.new_element.alert.format = "no such gene", Alert.ERROR
    crash.new_element.exception.type, crash.new_element.exception.message = "KeyError", "gone"
    tree.put((0, 0), box, "run")
    tree.put((0, 1), crash, "run")
    assert tree.errors() == ["no such gene", "KeyError: gone"]


def test_states_and_addresses_are_those_of_the_browser():
    field = TextInput(id="$$ID-1-q", query_param_key="q")
    assert protocol.state_of("text_input", field, "GFAP").string_value == "GFAP"
    assert protocol.address_value(field, "GFAP") == ("q", ["GFAP"])
    assert protocol.address_value(field, "") == ("q", [])
    number = NumberInput(id="$$ID-2-n")
    assert protocol.state_of("number_input", number, 3.0).double_value == 3.0
    assert protocol.address_value(number, 3.0) is None
    clicked = protocol.state_of("button", number, True)
    assert protocol.is_trigger(clicked)
    assert not protocol.is_trigger(protocol.state_of("checkbox", number, True))


@pytest.fixture
def user():
    """Person 7 on the Classify page with a verdict of their own."""
    session, log = Session("http://127.0.0.1:1"), Log()
    session.query = [("dataset", "demo")]
    person = Person(7, "demo", iter(["GFAP"]), ["brain"], random.Random(7))
    metric = Delta()
    metric.new_element.metric.label, metric.new_element.metric.body = "Genes matched", f"{person.n_genes}"
    for place, delta in enumerate((heading("Classify"), heading("person-007", "h3"), metric)):
        session.tree.put((0, place), delta, "run")
    seen = User(person, session, log)
    seen._page = "Classify"
    return seen, session, log


def test_what_is_a_persons_own_is_not_foreign(user):
    seen, _, log = user
    seen._done(BACK, 1.0)
    assert log.foreign == []
    assert log.times == {BACK: [1.0]}


@pytest.mark.parametrize(
    ("place", "delta"),
    [
        ((0, 0), heading("Rankings")),
        ((0, 1), heading("person-008", "h3")),
        ((0, 2), words("nothing")),
        ((0, 3), words("read of person-012")),
    ],
)
def test_what_is_somebody_elses_is_noticed(user, place, delta):
    seen, session, log = user
    session.tree.put(place, delta, "run")
    seen._done(BACK, 1.0)
    assert log.foreign


def test_another_dataset_and_another_cart_are_noticed(user):
    seen, session, log = user
    session.query = [("dataset", "trial")]
    seen._done(PAGE, 1.0)
    assert len(log.foreign) == 1
    session.query = [("dataset", "demo"), ("cart_a", "GSM2")]
    session.tree.put((0, 0), heading("Samples"), "run")
    seen._who.cart, seen._page = ["GSM1"], "Samples"
    seen._done(PAGE, 1.0)
    assert len(log.foreign) == 2


def test_persons_have_files_and_genes_of_their_own(demo_root):
    cast = cast_of(Workspace(demo_root))
    first, second = cast.person(1), cast.person(2)
    assert first.next_gene() != second.next_gene()
    for person in (first, second):
        lines = cast.file(person).decode().splitlines()
        assert lines[0] == f"gene,{person.name}"
        assert len(lines) == 1 + person.n_genes
    assert cast.file(first) != cast.file(second)


def test_a_table_says_what_was_not_met():
    cases = [report.none_of("errors", [], "actions"), report.at_most("p95", 5, 7.0, "x", "slow")]
    shown = report.table(cases)
    assert shown.splitlines()[2].endswith("ok")
    assert shown.splitlines()[3].endswith("NOT MET")
    assert report.p95([0.0] * 95 + [1.0] * 6) == 1.0
