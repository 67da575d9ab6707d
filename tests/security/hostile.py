"""Files that run a program when they are loaded the way one must not: each would leave a mark."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


def pickled(mark: Path) -> bytes:
    """A bare pickle."""
    return pickle.dumps(Bomb(mark))


def joblibbed(mark: Path) -> bytes:
    """What joblib.dump writes."""
    buffer = io.BytesIO()
    joblib.dump(Bomb(mark), buffer)
    return buffer.getvalue()


def torch_saved(mark: Path) -> bytes:
    """What torch.save writes: a zip with a pickle in it."""
    buffer = io.BytesIO()
    torch.save({"weights": torch.zeros(2), "bomb": Bomb(mark)}, buffer)
    return buffer.getvalue()


def object_array(mark: Path) -> bytes:
    """A .npy of Python objects."""
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb(mark)], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def object_arrays(mark: Path, *names: str, beside: dict[str, Any] | None = None) -> bytes:
    """A .npz whose arrays of these names hold Python objects."""
    buffer = io.BytesIO()
    arrays = {name: np.array([Bomb(mark)], dtype=object) for name in names}
    np.savez(buffer, allow_pickle=True, **{**(beside or {}), **arrays})
    return buffer.getvalue()


def skops_file(schema: Any, **members: bytes) -> bytes:
    """A file as skops has them: a zip with schema.json."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("schema.json", schema if isinstance(schema, str) else json.dumps(schema))
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


def skops_call(mark: Path) -> bytes:
    """A skops file that asks for a function to be called."""
    path = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": json.dumps(str(mark)),
            "is_json": True}  # fmt: skip
    arguments = {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": [path]}
    opened = {"__class__": "open", "__module__": "io"}
    call = {"__loader__": "ReduceNode", "reduce": arguments, "content": arguments}
    called = opened | call | {"constructor": opened | {"__loader__": "TypeNode"}}
    return skops_file(called | {"protocol": 2, "_skops_version": "0.16.0"})


def skops_array(mark: Path, member: str) -> bytes:
    """A skops file whose array, in a member of that name, is one of Python objects."""
    node = {"__loader__": "NdArrayNode", "__class__": "ndarray", "__module__": "numpy", "type": "numpy", "protocol": 2}
    return skops_file(node | {"file": member}, **{member: object_array(mark)})
