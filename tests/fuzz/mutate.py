"""Inputs that were valid, changed: bytes, lines, cells, encodings, packing."""

import gzip
import random
from collections.abc import Callable

Bytes = bytes
# What stands in cells of files that people send: locales, spreadsheets, formulas, other alphabets, and worse.
CELLS = [
    "", " ", "0", "-0", "-1", "1", "0.5", "-0.0", "nan", "NaN", "NA", "N/A", "#N/A", "None", "null", "inf", "-inf",
    "Infinity",
    "1e308", "1e309", "-1e308", "1e-400", "1e30", "1.1e30", "0x10", "0b1", "1_000", "1,5", "1.234,5", "1 000",
    "1'000", "1e", "e1",
    "+3", "--3", "3.", ".3", "99999999999999999999999999", "4294967295", "4294967296", "9223372036854775808",
    "18446744073709551616", "-9223372036854775809", "True", "FALSE", "1/2", "5%", "$5", "\u0661\u0662", "\u00bd",
    "\uff11\uff12",
    "\u221e", "=1+1", "=cmd|'/C calc'!A0", "@SUM(A1)", "+1+2", "-1+2", "\t=1", '"', '""', '"x', 'x"', 'a"b"c', "'",
    "\\", "\\N",
    "1-Mar", "2-Sep", "2009-09-01", "1.03E+05", "MARCH1", "SEPT2", "ENSG00000000001", "ENSG00000000001.7",
    "ENSGR0000000001",
    "ENST00000000001.2", "ENSG00000182378.15_PAR_Y", "__no_feature", "N_unmapped", "TP53", "tp53", "7157",
    "TSPAN6|7105",
    "ENSG00000000003_TSPAN6", "ENST1|ENSG1|-|-|A-201|A|100|b|", "gene", "length", "tpm", "Status", "id", "%s%n",
    "{0}", "${x}",
    "../../etc/passwd", "/etc/passwd", "C:\\x", "a|b", "a;b", "a,b", "<script>alert(1)</script>",
    "[x](javascript:alert(1))", "$\\frac{1}{0}$",
    "\u202egnp.exe", "\ufeff", "\u200b", "\x00", "\x1a", "\x7f", "\x85", "\u2028", "\x0b", "\x0c", "e\u0301",
    "\U0001f9ec", "\ud7ff",
    "A" * 300, "9" * 400, "0." + "0" * 400 + "1", "x" * 70_000, "#", "# comment", "##gff-version 3", "%%MatrixMarket",
    "#1.2", "#1.3",
]  # fmt: skip
NUMBERS = [
    0,
    1,
    2,
    7,
    127,
    128,
    255,
    256,
    32767,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**32,
    2**63 - 1,
    2**64 - 1,
]
DELIMITERS = [b"\t", b",", b";", b" ", b"|", b"\x1f"]


def flipped(rng: random.Random, data: bytes) -> bytes:
    """Some bits turned."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwritten(rng: random.Random, data: bytes) -> bytes:
    """A number of some width laid over a place."""
    if not data:
        return data
    width = rng.choice([1, 2, 4, 8])
    number = (rng.choice(NUMBERS) % 256**width).to_bytes(width, rng.choice(["little", "big"]))
    at = rng.randrange(len(data))
    return data[:at] + number + data[at + width :]


def spliced(rng: random.Random, data: bytes) -> bytes:
    """A stretch taken out, doubled, moved, or filled."""
    a, b = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    b = min(b, a + rng.choice([1, 4, 64, 4096]))
    piece, at = data[a:b], rng.randrange(len(data) + 1)
    way = rng.randrange(5)
    if way == 0:
        return data[:a] + data[b:]
    if way == 1:
        return data[:at] + piece * rng.choice([1, 2, 30]) + data[at:]
    if way == 2:
        return data[:a] + bytes([rng.choice([0, 9, 10, 13, 34, 44, 255])]) * len(piece) + data[b:]
    if way == 3:
        return data[:at] + rng.randbytes(rng.choice([1, 3, 40])) + data[at:]
    return data[:at] + rng.choice(CELLS).encode("utf-8", "surrogatepass") + data[at:]


def truncated(rng: random.Random, data: bytes) -> bytes:
    """Cut short, at either end."""
    at = rng.randrange(len(data) + 1)
    return data[:at] if rng.random() < 0.8 else data[at:]


def by_bytes(rng: random.Random, data: bytes) -> bytes:
    """One to four changes that know nothing of the format."""
    for _ in range(rng.choice([1, 1, 2, 4])):
        data = rng.choice([flipped, flipped, overwritten, spliced, truncated])(rng, data)
    return data


def by_lines(rng: random.Random, data: bytes) -> bytes:
    """A line taken out, doubled, moved, blanked, joined to the next, or made a comment."""
    lines = data.split(b"\n")
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    way = rng.randrange(8)
    if way == 0:
        del lines[at]
    elif way == 1:
        lines.insert(to, lines[at])
    elif way == 2:
        lines[at], lines[to] = lines[to], lines[at]
    elif way == 3:
        lines.insert(at, rng.choice([b"", b" ", b"#", b"# x\ty", b"\t\t", b",,,", b'"', b"\r", b"\x0c"]))
    elif way == 4:
        lines[at] = b"\t".join(lines[at : at + 2])
    elif way == 5:
        rng.shuffle(lines)
    elif way == 6:
        lines = lines[:to]
    else:
        lines[at] = lines[at] * rng.choice([2, 50])
    return b"\n".join(lines)


def by_cells(rng: random.Random, data: bytes) -> bytes:
    """A cell replaced, taken out, added or doubled, in one line or in all of them."""
    lines = data.split(b"\n")
    delimiter = max(DELIMITERS[:4], key=lambda mark: lines[min(1, len(lines) - 1)].count(mark))
    chosen = range(len(lines)) if rng.random() < 0.2 else [rng.randrange(len(lines))]
    column, way, cell = rng.randrange(8), rng.randrange(6), rng.choice(CELLS).encode("utf-8", "surrogatepass")
    for i in chosen:
        cells = lines[i].split(delimiter)
        at = column % len(cells)
        if way <= 2:
            cells[at] = cell
        elif way == 3:
            del cells[at]
        elif way == 4:
            cells.insert(at, cell)
        else:
            cells[at] = cells[(at + 1) % len(cells)]
        lines[i] = delimiter.join(cells)
    return b"\n".join(lines)


def by_encoding(rng: random.Random, data: bytes) -> bytes:
    """Other line ends, delimiters, encodings, byte order marks, quotes; packed once or twice."""
    ways: list[Callable[[bytes], bytes]] = [
        lambda d: d.replace(b"\n", b"\r\n"),
        lambda d: d.replace(b"\n", b"\r"),
        lambda d: d.replace(b"\n", b"\r\r\n"),
        lambda d: d.replace(b"\n", "\u2028".encode()),
        lambda d: d.replace(b"\t", rng.choice(DELIMITERS)),
        lambda d: d.replace(b",", rng.choice(DELIMITERS)),
        lambda d: d.replace(b"\t", b'"\t"'),
        lambda d: d.replace(b".", b","),
        lambda d: b"\xef\xbb\xbf" * rng.choice([1, 2]) + d,
        lambda d: d.decode("latin-1").encode("utf-16"),
        lambda d: d.decode("latin-1").encode("utf-32-be"),
        lambda d: d.decode("latin-1").encode("utf-7"),
        lambda d: d + "é ß µ".encode(rng.choice(["latin-1", "cp1252", "utf-8", "utf-16-le", "shift-jis"], ), "replace"),
        lambda d: b"\n" * rng.choice([1, 40]) + d,
        lambda d: d + b"\x00" * rng.choice([1, 100]),
        lambda d: d * 2,
        lambda d: b'"' + d,
        lambda d: gzip.compress(d, mtime=0),
        lambda d: flipped(rng, gzip.compress(d, mtime=0)),
        lambda d: truncated(rng, gzip.compress(d, mtime=0)),
        lambda d: gzip.compress(gzip.compress(d, mtime=0), mtime=0),
        lambda d: gzip.compress(d, mtime=0) + rng.choice([b"x", b"\0" * 9, gzip.compress(d, mtime=0), b"\x1f\x8b"]),
    ]  # fmt: skip
    return rng.choice(ways)(data)


def text(rng: random.Random, data: bytes) -> bytes:
    """One to four changes to a table or another file of lines."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        data = rng.choice([by_lines, by_cells, by_cells, by_cells, by_bytes])(rng, data)
    return by_encoding(rng, data) if rng.random() < 0.2 else data
