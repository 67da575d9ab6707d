"""ARCHScope's core: from an ARCHS4 file to rankings, predictions and synthetic samples. Knows no browser."""

__version__ = "0.1.0"
