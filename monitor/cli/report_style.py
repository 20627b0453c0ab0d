"""How the page of a report looks: light, dark, and on paper."""

from typing import Final

CSS: Final = """
:root { --ink: #1c2430; --soft: #5d6878; --ground: #fff; --line: #dde2e8; --bar: #b9cbe3;
  --level: #1f5fa8; --good: #1a7a3c; --bad: #b3261e; --stripe: #f5f7fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ee; --soft: #9aa6b6; --ground: #14181e; --line: #2c343f; --bar: #3a4f6b;
    --level: #7db4f5; --good: #6cc58b; --bad: #ff8a80; --stripe: #1a2027; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 24px 20px 48px; background: var(--ground);
  color: var(--ink); font: 14px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { margin: 0; font-size: 26px; }
header p { margin: 4px 0 0; color: var(--soft); }
h2 { margin: 28px 0 10px; font-size: 16px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
.totals { width: auto; min-width: 55%; }
th, td { padding: 3px 10px; text-align: right; white-space: nowrap; }
th { font-weight: 600; }
tbody th { font-weight: 400; text-align: left; white-space: pre; }
.periods { font-size: 13px; } .periods th, .periods td { padding: 2px 7px; }
thead th { white-space: normal; color: var(--soft); vertical-align: bottom;
  border-bottom: 1px solid var(--line); }
.periods thead th:nth-child(-n+2) { text-align: left; }
.totals tbody tr:nth-child(even) { background: var(--stripe); }
tr.first th, tr.first td { border-top: 1px solid var(--line); }
small { color: var(--soft); font-size: 12px; }
.good { color: var(--good); } .bad { color: var(--bad); }
.facts { display: flex; flex-wrap: wrap; gap: 10px 36px; }
.facts div { display: flex; flex-direction: column; }
.facts b { font-size: 22px; line-height: 1.2; } .facts span { color: var(--soft); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 18px; }
figure { margin: 0; break-inside: avoid; } figcaption { margin-bottom: 4px; }
svg { width: 100%; height: auto; display: block; max-width: 720px; }
svg text { fill: var(--soft); font-size: 10px; }
.axis { stroke: var(--line); } .bar { fill: var(--bar); }
.promise { stroke: var(--good); stroke-dasharray: 4 4; }
.level { fill: none; stroke: var(--level); stroke-width: 1.8; } .dot { fill: var(--level); }
@media (max-width: 520px) { .charts { grid-template-columns: 1fr; } .totals { min-width: 100%; } }
@media print {
  :root { --ink: #000; --soft: #444; --ground: #fff; --line: #bbb; --bar: #c8d4e4;
    --level: #1f5fa8; --good: #14602f; --bad: #9b1c15; --stripe: #f3f3f3; }
  @page { margin: 12mm; }
  body { max-width: none; padding: 0; font-size: 10.5px; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  thead { display: table-header-group; } tr { break-inside: avoid; }
  .periods { font-size: 9.5px; } .periods th, .periods td { padding: 1px 4px; }
  small { font-size: 9px; } .wide { overflow: visible; } th, td { padding: 1.5px 5px; }
  .charts { grid-template-columns: 1fr 1fr; }
  h2 { margin: 14px 0 6px; break-after: avoid; } }
"""
