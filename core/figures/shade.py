"""Shades that tell how many points lie where, as an image: a browser draws it at once, however many cells it has."""

import base64
import struct
import zlib

import numpy as np

from core.figures.chart import Chart
from core.types import DoubleArray

FAINTEST, STRONGEST = 0.25, 0.95  # opacity of a cell with one point, and of the fullest one
Extent = tuple[float, float, float, float]  # left, right, bottom, top; logarithms (base 10) on a logarithmic axis


def add(chart: Chart, counts: DoubleArray, extent: Extent, color: str) -> None:
    """Puts an image below the first panel's points: ``counts`` (across x up) of equal cells that fill ``extent``."""
    left, right, bottom, top = extent
    image = {
        "source": "data:image/png;base64," + base64.b64encode(png(pixels(counts, color))).decode(),
        "xref": "x", "yref": "y", "x": left, "y": top, "sizex": right - left, "sizey": top - bottom,
        "xanchor": "left", "yanchor": "top", "sizing": "stretch", "layer": "below",
    }  # fmt: skip
    chart.layout.setdefault("images", []).append(image)


def pixels(counts: DoubleArray, color: str) -> np.ndarray:
    """A pixel a cell (up x across x 4, uint8, the first row on top): opaque by the logarithm of the count, none clear.

    ``color``: "#rrggbb".
    """
    upright = np.asarray(counts, dtype=np.float64).T[::-1]
    depth = np.log10(np.maximum(upright, 1)) / max(1.0, float(np.log10(max(1.0, upright.max(initial=0)))))
    opacity = np.where(upright > 0, FAINTEST + (STRONGEST - FAINTEST) * depth, 0.0)
    found = np.empty((*upright.shape, 4), dtype=np.uint8)
    found[..., :3] = [int(color[at : at + 2], 16) for at in (1, 3, 5)]
    found[..., 3] = np.round(255 * opacity)
    return found


def png(rgba: np.ndarray) -> bytes:
    """A PNG file (ISO/IEC 15948) of pixels (rows x columns x 4, uint8)."""
    rows, columns = rgba.shape[:2]
    lines = np.zeros((rows, 1 + 4 * columns), dtype=np.uint8)  # each begins with its filter: none
    lines[:, 1:] = rgba.reshape(rows, -1)
    head = struct.pack(">IIBBBBB", columns, rows, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
