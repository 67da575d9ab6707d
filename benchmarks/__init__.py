"""How fast, how large, how exact: ARCHScope against the plain ways, side by side (docs/benchmarks.md)."""
