"""Data in, Plotly figure out: one module a page, plus the palette and the style that all of them share."""
