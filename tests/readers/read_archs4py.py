"""Run by the environment that has archs4py: what it finds in a file, as JSON on the last line."""

import json
import sys

import archs4py as a4


def _frame(frame) -> dict:
    index, columns = [str(i) for i in frame.index], [str(c) for c in frame.columns]
    return {"x": frame.to_numpy().tolist(), "genes": index, "samples": columns}


def samples(path: str, *ids: str) -> dict:
    return _frame(a4.data.samples(path, list(ids), silent=True))


def index(path: str, *places: str) -> dict:
    return _frame(a4.data.index(path, [int(place) for place in places], silent=True))


def rand(path: str, number: str) -> dict:
    return _frame(a4.data.rand(path, int(number), seed=3, remove_sc=True, silent=True))


def search(path: str, words: str) -> dict:
    return _frame(a4.data.meta(path, words, silent=True))


def meta(path: str, words: str) -> dict:
    found = a4.meta.meta(path, words, silent=True)
    return {name: found[name].to_list() for name in found} | {"ids": list(found.index)}


def field(path: str, name: str) -> list:
    return [value if isinstance(value, str) else float(value) for value in a4.meta.field(path, name)]


if __name__ == "__main__":  # archs4py reads in processes of its own
    tasks = {task.__name__: task for task in (samples, index, rand, search, meta, field)}
    print(json.dumps(tasks[sys.argv[1]](*sys.argv[2:])))
