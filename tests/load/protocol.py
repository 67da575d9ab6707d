"""Messages of Streamlit's web socket protocol: what a browser sends, and the state of a widget as it sends it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.message import Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

PATH = "/_stcore/stream"
XSRF_COOKIE = "_streamlit_xsrf"
DONE = ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY
DONE_FRAGMENT = ForwardMsg.ScriptFinishedStatus.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
RERUNS = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN
FIELDS = {
    "button": "trigger_value", "checkbox": "bool_value", "number_input": "double_value",
    "multiselect": "string_array_value", "button_group": "string_array_value",
}  # fmt: skip
TRIGGERS = ("trigger_value", "string_trigger_value")


def rerun(
    query: str,
    page: str,
    states: Iterable[WidgetState],
    known: Iterable[str],
    name: str = "",
    fragment: str = "",
    auto: bool = False,
    url: str = "",
) -> bytes:
    """Asks for a run of the script, of a page (by its hash, or at first by its name), or of a fragment alone.

    ``known``: hashes of the messages that this client still has, which the server then only refers to.
    """
    message = BackMsg()
    asked = message.rerun_script
    asked.query_string, asked.page_script_hash, asked.page_name = query, page, name
    asked.fragment_id, asked.is_auto_rerun = fragment, auto
    asked.widget_states.widgets.extend(states)
    asked.cached_message_hashes.extend(known)
    asked.context_info.url, asked.context_info.timezone, asked.context_info.locale = url, "UTC", "en-GB"
    return message.SerializeToString()


def file_addresses(request: str, session: str, names: Sequence[str]) -> bytes:
    """Asks where files are to be sent to."""
    message = BackMsg()
    message.file_urls_request.request_id, message.file_urls_request.session_id = request, session
    message.file_urls_request.file_names.extend(names)
    return message.SerializeToString()


def state_of(kind: str, widget: Message, value: Any) -> WidgetState:
    """The state of a widget of that kind that a user set to ``value``.

    A table gets the positions of the rows that are ticked; a file_uploader gets (name, size, addresses).
    """
    state = WidgetState(id=widget.id)  # type: ignore[attr-defined]
    field = FIELDS.get(kind, "string_value")
    if kind == "file_uploader":
        name, size, addresses = value
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.name, info.size, info.file_id = name, size, addresses.file_id
        info.file_urls.CopyFrom(addresses)
    elif kind == "dataframe":
        state.string_value = json.dumps({"selection": {"rows": list(value), "columns": [], "cells": []}})
    elif field == "string_array_value":
        state.string_array_value.data.extend(value)
    else:
        setattr(state, field, value)
    return state


def address_value(widget: Message, value: Any) -> tuple[str, list[str]] | None:
    """The address parameter that a bound widget's value is kept in, with its texts; None where it is not bound."""
    key = getattr(widget, "query_param_key", "")
    if not key:
        return None
    if isinstance(value, bool):
        return key, [str(value).lower()]
    if isinstance(value, list | tuple):
        return key, [str(each) for each in value]
    return key, [f"{value:g}" if isinstance(value, float) else str(value)] if value != "" else []


def is_trigger(state: WidgetState) -> bool:
    """Whether a state holds for one run alone (a click on a button)."""
    return state.WhichOneof("value") in TRIGGERS


def addresses_by_name(names: Sequence[str], found: Iterable[FileURLs]) -> Mapping[str, FileURLs]:
    """Where each file is to be sent to."""
    return dict(zip(names, found, strict=True))
