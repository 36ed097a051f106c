/** The page's only style sheet. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#faf9f6, #15171a);
  --card: light-dark(#ffffff, #1c1f23);
  --ink: light-dark(#1d1f21, #e8e6e1);
  --quiet: light-dark(#5d6167, #a3a7ad);
  --line: light-dark(#e2dfd8, #33373d);
  --accent: light-dark(#1f5fa8, #8bbcf5);
  --ok: light-dark(#2b8a6a, #4fb795);
  --skipped: light-dark(#8f96a0, #7d858f);
  --quarantined: light-dark(#d1612f, #ee8a5a);
  --read: light-dark(#7a6cc4, #a79cf0);
  --write: light-dark(#c79a1b, #dfb545);
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3rem) 3rem; max-width: 68rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
  overflow-wrap: break-word;
}
a { color: var(--accent); text-underline-offset: 0.15em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.88em; }
h1 { margin: 0.2rem 0 0.6rem; font-size: clamp(1.7rem, 5vw, 2.6rem); line-height: 1.15; letter-spacing: -0.02em; text-wrap: balance; }
h2 { margin: 0 0 0.75rem; font-size: 1.3rem; letter-spacing: -0.01em; }
h3 { margin: 1.5rem 0 0.4rem; font-size: 1rem; }
p { margin: 0 0 0.9rem; max-width: 46rem; }
.kicker { margin: 0; color: var(--quiet); font-size: 0.9rem; }
.lead { color: var(--quiet); }
.lead code { color: var(--ink); }
.quiet, small { color: var(--quiet); font-weight: normal; }
.name { overflow-wrap: anywhere; }
.pill { display: inline-block; padding: 0.05rem 0.6rem; border: 1px solid var(--line); border-radius: 1rem; background: var(--card); color: var(--ink); font-size: 0.88rem; }
.skip { position: absolute; left: -100vw; padding: 0.5rem 1rem; background: var(--card); }
.skip:focus { left: 1rem; top: 0.5rem; z-index: 2; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: 0.75rem; margin: 1.5rem 0 0; }
.tiles div { padding: 0.9rem 1.1rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; }
.tiles dt { color: var(--quiet); font-size: 0.88rem; }
.tiles dd { margin: 0; font-size: 1.9rem; line-height: 1.25; font-variant-numeric: tabular-nums; letter-spacing: -0.02em; }
.tiles small { display: block; font-size: 0.82rem; line-height: 1.4; letter-spacing: 0; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.3rem 1.1rem; margin: 1.5rem 0 0; padding: 0; list-style: none; font-size: 0.92rem; }
section { margin-top: 2.75rem; padding-top: 1.5rem; border-top: 1px solid var(--line); scroll-margin-top: 1rem; }
svg { display: block; }
.outcome-bar { width: 100%; height: 1.75rem; }
.fill-ok, .key-ok { fill: var(--ok); background: var(--ok); }
.fill-skipped, .key-skipped { fill: var(--skipped); background: var(--skipped); }
.fill-quarantined, .key-quarantined { fill: var(--quarantined); background: var(--quarantined); }
.stage-read { fill: var(--read); background: var(--read); }
.stage-process { fill: var(--accent); background: var(--accent); }
.stage-write { fill: var(--write); background: var(--write); }
.key { display: inline-block; width: 0.75rem; height: 0.75rem; border-radius: 0.2rem; margin-right: 0.35rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.3rem 1.6rem; margin: 0.7rem 0 0; padding: 0; list-style: none; }
.legend-line .key:not(:first-child) { margin-left: 1.1rem; }
.chart { width: 100%; min-width: 36rem; height: auto; margin: 0.5rem 0 0; overflow: visible; }
.grid { stroke: var(--line); }
.axis { fill: var(--quiet); font-size: 10.5px; font-variant-numeric: tabular-nums; }
.axis.end { text-anchor: end; } .axis.middle { text-anchor: middle; }
.reason { margin: 0 0 1rem; padding: 1.1rem 1.25rem 0.6rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; }
.reason h3 { margin-top: 0; } .reason h3 code { margin-right: 0.5rem; font-size: 1rem; } .reason h3 b { margin-right: 0.35rem; }
.texts { margin: 0 0 0.9rem; padding: 0; list-style: none; font-size: 0.92rem; }
.texts li { padding: 0.15rem 0; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: 0.9rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.gallery figure { margin: 0; }
.gallery img { display: block; width: 100%; height: 7.5rem; object-fit: scale-down; border-radius: 0.4rem; border: 1px solid var(--line);
  background: repeating-conic-gradient(light-dark(#f1efea, #23272c) 0 25%, transparent 0 50%) 0 0 / 14px 14px; }
.gallery figcaption { margin-top: 0.3rem; color: var(--quiet); font-size: 0.78rem; line-height: 1.35; max-height: 2.7em; overflow: hidden; }
details { margin: 0 0 0.9rem; }
summary { cursor: pointer; color: var(--accent); font-size: 0.92rem; padding: 0.2rem 0; }
.scroll { overflow-x: auto; margin-bottom: 1rem; }
table { width: 100%; border-collapse: collapse; font-size: 0.92rem; }
caption.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
caption { text-align: left; font-weight: 600; padding: 0.6rem 0 0.3rem; }
th, td { padding: 0.4rem 0.9rem 0.4rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); font-weight: normal; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--quiet); font-size: 0.82rem; white-space: nowrap; }
tbody th { min-width: 9rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.bar { width: 30%; min-width: 6rem; vertical-align: middle; }
.meter { width: 100%; height: 0.6rem; border-radius: 0.2rem; }
.meter-track { fill: var(--line); } .meter-value { fill: var(--accent); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0 2.5rem; }
pre { margin: 0 0 0.9rem; padding: 0.8rem 1rem; overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem; line-height: 1.5; }
footer { margin-top: 3rem; color: var(--quiet); font-size: 0.88rem; }
@media (max-width: 34rem) {
  .tiles { grid-template-columns: 1fr 1fr; } .tiles dd { font-size: 1.5rem; } .tiles div { padding: 0.7rem 0.8rem; }
  .gallery { grid-template-columns: repeat(auto-fill, minmax(5.5rem, 1fr)); } .gallery img { height: 5.5rem; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@page { margin: 14mm; }
@media print {
  :root { color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10pt; background: none; }
  nav, .skip { display: none; }
  .reason, .tiles div, .gallery li, tr, .chart, pre { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  .scroll, pre { overflow: visible; } .chart { min-width: 0; } pre { white-space: pre-wrap; }
  .fill-ok, .fill-skipped, .fill-quarantined, .key, .meter, .gallery img { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
