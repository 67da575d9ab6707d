"""Style and script of a report: light, readable at any width, and made to be printed."""

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: #17212b; line-height: 1.5;
  font: 15px/1.5 Inter, 'Segoe UI', 'Helvetica Neue', 'Noto Sans', 'DejaVu Sans', sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid #d9e0e6; }
h3, h4, h5 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
a { color: #0b6484; }
.subtitle { margin: 0; color: #55616d; overflow-wrap: anywhere; }
nav { margin: 1.5rem 0 0; padding: .75rem 1rem; background: #f3f6f8; border-radius: .5rem; }
nav ol { margin: 0; padding-left: 1.4rem; columns: 2; column-gap: 2rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: .6rem 1.5rem; margin: 0 0 1rem; }
dt { color: #55616d; font-size: .85rem; }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
#provenance-note { color: #55616d; }
p.warning { margin: .75rem 0; padding: .6rem .9rem; background: #fff6e0; border-left: 4px solid #c4860b; }
p.equation { margin: .5rem 0; padding: .5rem .9rem; background: #f3f6f8; overflow-x: auto;
  font-family: 'STIX Two Math', 'Cambria Math', 'DejaVu Serif', serif; }
code { background: #f3f6f8; padding: .05rem .3rem; border-radius: .25rem; font-size: .9em; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: 0 0 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; }
caption { text-align: left; color: #55616d; padding: 0 0 .4rem; }
th { text-align: left; background: #f3f6f8; font-weight: 600; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #e8edf1; vertical-align: top; }
td { overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
figure { margin: 1rem 0 1.75rem; }
figcaption { color: #55616d; font-size: .9rem; }
.save { white-space: nowrap; margin-left: .5rem; }
button { font: inherit; font-size: .8rem; color: #0b6484; background: none; border: 1px solid #d9e0e6;
  border-radius: .3rem; padding: 0 .45rem; margin-left: .3rem; cursor: pointer; }
button:focus-visible { outline: 2px solid #0b6f92; outline-offset: 1px; }
@media (max-width: 40rem) { nav ol { columns: 1; } }
@media print {
  @page { size: A4; margin: 16mm; }
  main { max-width: none; padding: 0; }
  nav, .save { display: none; }
  figure, tr, p.warning, dl > div { break-inside: avoid; }
  h2, h3, h4 { break-after: avoid; }
  body { font-size: 11pt; }
  .wide { overflow: visible; }
}
"""

PRINT_WIDTH = 670  # CSS pixels between the margins of A4

SCRIPT = (
    """
const plots = () => [...document.querySelectorAll('.plotly-graph-div')];
document.addEventListener('click', event => {
  const chosen = event.target.closest('button[data-plot]');
  if (!chosen) return;
  const plot = document.getElementById(chosen.dataset.plot);
  Plotly.downloadImage(plot, {
    format: chosen.dataset.format, filename: chosen.dataset.name, width: plot.offsetWidth, height: plot.offsetHeight,
    scale: chosen.dataset.format === 'png' ? 3 : 1,
  });
});
addEventListener('beforeprint', () => plots().forEach(plot => Plotly.relayout(plot, {width: PRINT_WIDTH})));
addEventListener('afterprint', () => plots().forEach(plot => Plotly.relayout(plot, {width: null, autosize: true})));
"""
).replace("PRINT_WIDTH", str(PRINT_WIDTH))
