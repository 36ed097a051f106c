/**
 * What every page has in common: colours, type, links, tables, pictures, paper. Blue-green, orange and grey stay apart
 * for every kind of colour vision, by hue or by lightness.
 */
export const baseStyle = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#faf9f6, #15171a);
  --card: light-dark(#ffffff, #1c1f23);
  --ink: light-dark(#1d1f21, #e8e6e1);
  --quiet: light-dark(#5d6167, #a3a7ad);
  --line: light-dark(#e2dfd8, #33373d);
  --accent: light-dark(#1f5fa8, #8bbcf5);
  --ok: light-dark(#2a7f93, #55b0c2);
  --skipped: light-dark(#a3a8b0, #6f7680);
  --quarantined: light-dark(#d1612f, #ee8a5a);
  --read: light-dark(#9bbfe3, #44709f);
  --write: light-dark(#c79a1b, #dfb545);
}
:root[data-theme="light"] { color-scheme: light; }
:root[data-theme="dark"] { color-scheme: dark; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
  overflow-wrap: break-word;
}
a { color: var(--accent); text-underline-offset: 0.15em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.88em; }
.kicker { margin: 0; color: var(--quiet); font-size: 0.9rem; }
.quiet, small { color: var(--quiet); font-weight: normal; }
.name { overflow-wrap: anywhere; }
.skip { position: absolute; left: -100vw; padding: 0.5rem 1rem; background: var(--card); }
.skip:focus { left: 1rem; top: 0.5rem; z-index: 2; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: 0.75rem; margin: 1.5rem 0 0; }
.tiles div { padding: 0.9rem 1.1rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; }
.tiles dt { color: var(--quiet); font-size: 0.88rem; }
.tiles dd { margin: 0; font-size: 1.9rem; line-height: 1.25; font-variant-numeric: tabular-nums; letter-spacing: -0.02em; }
.tiles small { display: block; font-size: 0.82rem; line-height: 1.4; letter-spacing: 0; }
.fill-ok, .key-ok { fill: var(--ok); background: var(--ok); }
.fill-skipped, .key-skipped { fill: var(--skipped); background: var(--skipped); }
.fill-quarantined, .key-quarantined { fill: var(--quarantined); background: var(--quarantined); }
.stage-read { fill: var(--read); background: var(--read); }
.stage-process { fill: var(--accent); background: var(--accent); }
.stage-write { fill: var(--write); background: var(--write); }
.key { display: inline-block; width: 0.75rem; height: 0.75rem; border-radius: 0.2rem; margin-right: 0.35rem; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); gap: 0.9rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.gallery figure { margin: 0; }
.gallery img { display: block; width: 100%; height: 7.5rem; object-fit: scale-down; border-radius: 0.4rem; border: 1px solid var(--line);
  background: repeating-conic-gradient(light-dark(#f1efea, #23272c) 0 25%, transparent 0 50%) 0 0 / 14px 14px; }
.gallery figcaption { margin-top: 0.3rem; color: var(--quiet); font-size: 0.78rem; line-height: 1.35; max-height: 2.7em; overflow: hidden; }
details { margin: 0 0 0.9rem; }
summary { cursor: pointer; color: var(--accent); font-size: 0.92rem; padding: 0.2rem 0; }
.scroll { overflow-x: auto; margin-bottom: 1rem; }
table { width: 100%; border-collapse: collapse; font-size: 0.92rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
caption { text-align: left; font-weight: 600; padding: 0.6rem 0 0.3rem; }
th, td { padding: 0.4rem 0.9rem 0.4rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); font-weight: normal; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--quiet); font-size: 0.82rem; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
footer { margin-top: 3rem; color: var(--quiet); font-size: 0.88rem; }
@media (max-width: 34rem) {
  .tiles { grid-template-columns: 1fr 1fr; } .tiles dd { font-size: 1.5rem; } .tiles div { padding: 0.7rem 0.8rem; }
  .gallery { grid-template-columns: repeat(auto-fill, minmax(5.5rem, 1fr)); } .gallery img { height: 5.5rem; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@page { margin: 14mm; }
@media print {
  :root, :root[data-theme] { color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10pt; background: none; }
  nav, .skip { display: none; }
  .tiles div, .gallery li, tr { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  .scroll { overflow: visible; }
  [class^="fill-"], .key, .gallery img { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
