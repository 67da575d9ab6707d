"""Uploaded HDF5 files read in a process of their own: libhdf5 can loop for ever, or die, on a damaged file.

The process (``sample_child``) is started with the first HDF5 file of an upload and ends with the upload. It has read
bytes that nobody vouches for, so nothing that it says is trusted: it gives lines of JSON and bytes of numbers, which
are checked here as a file would be; nothing is unpickled.
"""

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import psutil

from core.errors import SampleFileError
from core.settings import PROJECT
from core.sources.sample_limits import MAX_SAMPLES, MAX_VALUES
from core.types import Progress, SampleSet, SampleValues

ReadHdf5 = Callable[[Path, str, Progress], SampleSet]
# Seconds of the processor without a sign of life (ordinary files give one many times a second), and in all; each
# grows with the file. Seconds by the clock are for a process that waits for what never comes.
SILENT_S, SILENT_S_A_BYTE = 4.0, 1 / 25e6
TOTAL_S, TOTAL_S_A_BYTE = 60.0, 1 / 1e6
WAITING_S = 120.0
MAX_ANSWER = 2**28  # bytes of names
_LOOK_S = 0.2
_TYPES: dict[str, type[np.uint32 | np.float32]] = {"uint32": np.uint32, "float32": np.float32}


@contextlib.contextmanager
def reader() -> Iterator[ReadHdf5]:
    """What reads the HDF5 files of one upload; see ``sample_hdf5.read_hdf5`` for arguments and errors.

    Besides it raises SampleFileError where a file keeps the process busy for too long, ends it, or needs more memory
    than it may take.
    """
    child = _Child()
    try:
        yield child.read
    finally:
        child.stop()


class _Child:
    """The process, once there is something to read; ``_values`` is a nameless file in which it leaves numbers."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._values: IO[bytes] | None = None
        self._waiting = bytearray()

    def read(self, path: Path, name: str, progress: Progress) -> SampleSet:
        process, values = self._started()
        watch = _Watch(process.pid, path.stat().st_size, name)
        request = json.dumps({"path": str(path.resolve()), "name": name}) + "\n"
        with contextlib.suppress(BrokenPipeError):  # it ended: the answer will be missing
            assert process.stdin is not None
            process.stdin.write(request.encode())
            process.stdin.flush()
        for answer in self._answers(process, watch, name):
            if "progress" in answer:
                _relay(answer["progress"], progress)
            elif "error" in answer:
                raise SampleFileError(" ".join(str(answer["error"]).split())[:600])
            else:
                return _checked(answer, values, name)
        raise _damaged(name, "reading it ended the process that read it")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        if self._values is not None:
            self._values.close()

    def _started(self) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        if self._process is None or self._values is None:
            self._values = tempfile.TemporaryFile()  # noqa: SIM115  (closed by stop)
            number = self._values.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "core.sources.sample_child", str(number)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[number], cwd=PROJECT,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
        return self._process, self._values

    def _answers(self, process: subprocess.Popen[bytes], watch: "_Watch", name: str) -> Iterator[dict[str, Any]]:
        """Lines of the process as they come, until it ends; whatever is no JSON object ends it, too."""
        assert process.stdout is not None
        number = process.stdout.fileno()
        while True:
            line, found, rest = self._waiting.partition(b"\n")
            if found:
                self._waiting = rest
                yield _object(line, name)
                continue
            if len(self._waiting) > MAX_ANSWER:
                raise _damaged(name, "it names more than can be")
            if not select.select([number], [], [], _LOOK_S)[0]:
                watch.look()
                continue
            piece = os.read(number, 2**20)
            if not piece:
                return
            watch.heard()
            self._waiting += piece


class _Watch:
    """How long a process has worked, and how long since it was last heard of."""

    def __init__(self, pid: int, size: int, name: str) -> None:
        self._pid, self._name = pid, name
        self._silent, self._total = SILENT_S + size * SILENT_S_A_BYTE, TOTAL_S + size * TOTAL_S_A_BYTE
        self._begun = self._last = self._worked()
        self._clock = time.monotonic()

    def heard(self) -> None:
        self._last, self._clock = self._worked(), time.monotonic()
        self.look()

    def look(self) -> None:
        """Raises SampleFileError where it takes too long."""
        worked = self._worked()
        waited = time.monotonic() - self._clock > WAITING_S
        if worked - self._last > self._silent or worked - self._begun > self._total or waited:
            raise _damaged(self._name, "reading it comes to no end")

    def _worked(self) -> float:
        try:
            times = psutil.Process(self._pid).cpu_times()
        except psutil.Error:  # it ended: what reads its answers will see that
            return 0.0
        return float(times.user + times.system)


def _damaged(name: str, what: str) -> SampleFileError:
    return SampleFileError(f"{name}: {what}: the file is damaged, or made to do so. Copy or download it again.")


def _object(line: bytes | bytearray, name: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _damaged(name, "reading it gave nonsense")
    return found


def _relay(said: object, progress: Progress) -> None:
    if isinstance(said, list) and len(said) == 3 and all(isinstance(n, int | float) for n in said[1:]):
        progress(str(said[0])[:80], float(said[1]), float(said[2]))


def _checked(answer: dict[str, Any], values: IO[bytes], name: str) -> SampleSet:
    """What the process found, as a SampleSet that keeps its promises. Raises SampleFileError where it does not."""
    lists = [answer.get(key) for key in ("gene_ids", "sample_names", "notes")]
    shape, kind = answer.get("shape"), answer.get("type")
    if not all(isinstance(one, list) and all(isinstance(text, str) for text in one) for one in lists):
        raise _damaged(name, "reading it gave nonsense")
    genes, samples, notes = ([str(text) for text in one or []] for one in lists)
    size = len(samples) * len(genes)
    sound = shape == [len(samples), len(genes)] and kind in _TYPES and isinstance(answer.get("kind"), str)
    if not sound or len(samples) > MAX_SAMPLES or size > MAX_VALUES:
        raise _damaged(name, "reading it gave nonsense")
    values.seek(0)
    found = cast(SampleValues, np.fromfile(values, dtype=_TYPES[str(kind)], count=size))
    if found.size != size or (found.dtype == np.float32 and not (np.isfinite(found) & (found >= 0)).all()):
        raise _damaged(name, "reading it gave nonsense")
    values_of = found.reshape(len(samples), len(genes))
    return SampleSet(values_of, genes, samples, answer["kind"], notes, counted=answer.get("counted") is True)
