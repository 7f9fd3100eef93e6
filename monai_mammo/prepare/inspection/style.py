"""Look of the page: one column, system fonts, contrast of 4.5 to 1 and more."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root { --ink: #1b2430; --soft: #4b5867; --line: #d5dbe2; --paper: #ffffff; --surface: #f3f5f8;
  --leakage: #a3122a; --fault: #8a4b00; --left_out: #3d4d63; --note: #1f5c7a; --good: #17633a; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--surface); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
header { background: #14202e; color: #fff; padding: 1.6rem max(1.5rem, calc((100vw - 72rem) / 2)); }
header h1 { margin: .1rem 0 .4rem; font-size: 1.9rem; overflow-wrap: anywhere; }
header p { margin: 0; color: #d7e0ea; } .kicker { letter-spacing: .08em; text-transform: uppercase; font-size: .8rem; }
main { max-width: 72rem; margin: 0 auto; padding: 1rem 1.5rem 4rem; }
main > section { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 1.2rem 1.4rem;
  margin: 1.2rem 0; }
h2 { margin: 0 0 .6rem; font-size: 1.35rem; } h3 { margin: 1.6rem 0 .2rem; font-size: 1.1rem; }
p { margin: .3rem 0; } .meaning { color: var(--soft); max-width: 60rem; }
.severity { border-top: 5px solid var(--line); }
.severity.leakage { border-top-color: var(--leakage); } .severity.fault { border-top-color: var(--fault); }
.severity.left_out { border-top-color: var(--left_out); } .severity.note { border-top-color: var(--note); }
.verdict { padding: .7rem 1rem; border-radius: 6px; border-left: 6px solid; margin: .4rem 0 1rem; }
.verdict.leakage { background: #fdecee; border-color: var(--leakage); color: #7c0d20; }
.verdict.fault { background: #fdf3e3; border-color: var(--fault); color: #6b3a00; }
.verdict.good { background: #e8f5ed; border-color: var(--good); color: #0f4c2b; }
.tiles { list-style: none; display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .8rem;
  margin: 0 0 1rem; padding: 0; }
.tiles li { background: var(--surface); border-radius: 6px; padding: .6rem .9rem; color: var(--soft); }
.figure { display: block; font-size: 1.7rem; font-weight: 650; color: var(--ink); line-height: 1.2; }
.tables { display: flex; flex-wrap: wrap; gap: 1.4rem 2rem; align-items: flex-start; }
table { border-collapse: collapse; font-size: .92rem; }
caption { text-align: left; font-weight: 650; padding: .2rem 0; white-space: nowrap; }
th, td { text-align: left; font-weight: 400; padding: .22rem .8rem .22rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; } thead th { color: var(--soft); font-size: .85rem; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; } table.wide { width: 100%; }
tr.differs td, tr.differs th { background: #fdf3e3; }
.severity { font-size: .8rem; font-weight: 650; padding: .05rem .5rem; border-radius: 1rem; color: #fff;
  white-space: nowrap; }
.severity.leakage { background: var(--leakage); } .severity.fault { background: var(--fault); }
.severity.left_out { background: var(--left_out); } .severity.note { background: var(--note); }
.count { font-weight: 400; color: var(--soft); } a { color: #0b57a4; } a:focus-visible, summary:focus-visible {
  outline: 3px solid #0b57a4; outline-offset: 2px; }
.cards { display: flex; flex-wrap: wrap; gap: .8rem; margin: .6rem 0; }
.card { border: 1px solid var(--line); border-radius: 6px; padding: .6rem .7rem; background: #fbfcfd; max-width: 100%;
  width: 14.2rem; } .card.w2 { width: 27.6rem; } .card.w3, .card.w4 { width: 100%; }
.sentence { font-size: .9rem; margin: 0 0 .5rem; } .more { font-size: .85rem; color: var(--soft); }
.figures { display: flex; flex-wrap: wrap; gap: .6rem; } figure { margin: 0; width: 12.6rem; }
figure img { display: block; height: 13rem; width: 100%; object-fit: contain; background: #000; border-radius: 3px; }
figcaption { font-size: .78rem; color: var(--soft); overflow-wrap: anywhere; padding-top: .2rem; }
figure.without { width: 100%; }
code { font-size: .85em; background: var(--surface); padding: .05rem .3rem; border-radius: 3px;
  overflow-wrap: anywhere; }
details { margin: .5rem 0; } summary { cursor: pointer; color: #0b57a4; }
.names { font-size: .85rem; columns: 2; } .names li { break-inside: avoid; overflow-wrap: anywhere; }
@media print { body { background: #fff; } main > section { border: 0; }
  .card { break-inside: avoid; } }
"""
"""Contents of the page's style element; nothing of it refers to another file."""
