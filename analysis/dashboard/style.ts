import { baseStyle } from "../page/style.ts";

/** The page's only style sheet. */
export const style = `${baseStyle}
body { padding: 1.4rem clamp(0.8rem, 2.5vw, 2.2rem) 3rem; max-width: 100rem; font-size: 0.94rem; line-height: 1.45; }
button, input { font: inherit; color: inherit; }
button { cursor: pointer; }
[hidden] { display: none !important; }
.waiting { padding: 20vh 0; text-align: center; color: var(--quiet); }
.head { display: flex; flex-wrap: wrap; gap: 0.6rem 2rem; justify-content: space-between; align-items: end; }
.head > div:first-child { flex: 1 1 24rem; }
h1 { margin: 0; font-size: clamp(1.4rem, 3vw, 1.9rem); line-height: 1.25; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
h2 { margin: 0; font-size: 0.98rem; letter-spacing: -0.005em; }
.lead { margin: 0.15rem 0 0; color: var(--quiet); font-size: 0.88rem; }
.controls { display: flex; gap: 0.5rem; }
.controls input { width: 15rem; max-width: 60vw; padding: 0.35rem 0.7rem; border: 1px solid var(--line); border-radius: 0.45rem; background: var(--card); }
.theme, .small, .more { padding: 0.3rem 0.75rem; border: 1px solid var(--line); border-radius: 0.45rem; background: var(--card); }
.small { padding: 0.05rem 0.5rem; font-size: 0.8rem; color: var(--quiet); border-radius: 0.35rem; }
.small[aria-pressed="true"] { color: var(--accent); border-color: var(--accent); }
.theme:hover, .small:hover, .more:hover { border-color: var(--accent); color: var(--accent); }
.more { display: block; align-self: start; margin: 0.4rem 0 0; padding: 0.1rem 0.5rem; font-size: 0.82rem; color: var(--quiet); }
.filters { position: sticky; top: 0; z-index: 3; display: flex; flex-wrap: wrap; gap: 0.35rem 0.9rem; align-items: center;
  margin: 0.7rem calc(-1 * clamp(0.8rem, 2.5vw, 2.2rem)) 0; padding: 0.45rem clamp(0.8rem, 2.5vw, 2.2rem);
  background: color-mix(in srgb, var(--paper) 92%, transparent); backdrop-filter: blur(6px); border-bottom: 1px solid transparent; min-height: 2.7rem; }
.filters.filtering { border-color: var(--line); }
.count { font-weight: 600; font-variant-numeric: tabular-nums; }
.chips { display: flex; flex-wrap: wrap; gap: 0.35rem; }
.chip { max-width: 22rem; padding: 0.1rem 0.65rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 0.86rem;
  border: 1px solid color-mix(in srgb, var(--accent) 45%, var(--line)); border-radius: 1rem; background: color-mix(in srgb, var(--accent) 8%, var(--card)); }
.chip:hover { border-color: var(--accent); }
.cross { margin-left: 0.45rem; color: var(--quiet); }
.tiles { margin: 0.5rem 0 0.9rem; gap: 0.7rem; grid-template-columns: repeat(auto-fit, minmax(8.6rem, 1fr)); }
.tiles div { padding: 0.6rem 0.9rem; }
.tiles dt { font-size: 0.82rem; } .tiles dd { font-size: 1.5rem; } .tiles small { font-size: 0.78rem; min-height: 1.4em; }
.tiles .key { width: 0.6rem; height: 0.6rem; }
.panels { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 0.7rem; }
.wide-12 { grid-column: span 12; } .wide-8 { grid-column: span 8; } .wide-7 { grid-column: span 7; } .wide-5 { grid-column: span 5; }
.wide-4 { grid-column: span 4; } .wide-3 { grid-column: span 3; }
.panel { position: relative; display: flex; flex-direction: column; padding: 0.7rem 0.9rem 0.8rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; scroll-margin-top: 4rem; min-width: 0; }
.panel.filtering { border-color: color-mix(in srgb, var(--accent) 55%, var(--line)); }
.panel > header { display: grid; grid-template-columns: 1fr auto; gap: 0 0.6rem; align-items: baseline; margin-bottom: 0.45rem; }
.hint { grid-column: 1 / -1; grid-row: 2; margin: 0; color: var(--quiet); font-size: 0.8rem; min-height: 1.15em; }
.hint:empty { display: none; }
.tools { display: flex; gap: 0.35rem; opacity: 0; transition: opacity 0.12s; }
.panel:hover .tools, .panel:focus-within .tools, .panel.filtering .tools, .panel.table-shown .tools { opacity: 1; }
.is-empty > .body, .is-empty > .as-table, .table-shown > .body { display: none; }
.empty { margin: 0; padding: 1.6rem 1rem; text-align: center; color: var(--quiet); font-size: 0.9rem; text-wrap: balance; }
.body { flex: 1; display: flex; flex-direction: column; min-width: 0; }
.plot { flex: 1; position: relative; cursor: crosshair; touch-action: pan-y; border-radius: 0.3rem; user-select: none; -webkit-user-select: none; }
.canvas { position: absolute; inset: 0; }
.cursor, .brush { position: absolute; top: 10px; bottom: 24px; pointer-events: none; border-radius: 0.15rem; }
.cursor { background: color-mix(in srgb, var(--ink) 7%, transparent); }
.brush { background: color-mix(in srgb, var(--accent) 16%, transparent); border-inline: 1px solid var(--accent); }
.tip { position: absolute; bottom: calc(100% - 6px); z-index: 4; transform: translateX(-50%); pointer-events: none; min-width: 8rem; max-width: 20rem; padding: 0.4rem 0.65rem; font-size: 0.8rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 0.4rem; box-shadow: 0 4px 14px rgb(0 0 0 / 0.16); white-space: nowrap; }
.tip div { display: flex; justify-content: space-between; gap: 1rem; color: var(--quiet); }
.tip div .number { color: var(--ink); }
.bar-list { margin: 0; padding: 0; list-style: none; }
.line { display: grid; grid-template-columns: minmax(0, 1fr) auto 3.6rem; gap: 0 0.6rem; width: 100%; padding: 0.16rem 0.35rem 0.28rem; margin: 0 -0.35rem; box-sizing: content-box;
  text-align: left; border: 0; border-radius: 0.35rem; background: none; font-size: 0.88rem; }
.line:hover { background: color-mix(in srgb, var(--accent) 8%, transparent); }
.line[aria-pressed="true"] .label { font-weight: 650; }
.line[aria-pressed="true"] { background: color-mix(in srgb, var(--accent) 11%, transparent); }
.line.faded { color: var(--quiet); } .line.faded .track { opacity: 0.4; }
.line .label { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.share { font-size: 0.8rem; padding-top: 0.06rem; }
.track { grid-column: 1 / -1; display: flex; height: 0.36rem; border-radius: 0.18rem; overflow: hidden; background: color-mix(in srgb, var(--line) 55%, transparent); }
.track span { height: 100%; }
.no-bar { color: var(--quiet); } .no-bar .track { visibility: hidden; }
.stack { display: grid; gap: 0.7rem; grid-template-rows: auto 1fr; min-width: 0; }
.gallery { grid-template-columns: repeat(auto-fill, minmax(6.4rem, 1fr)); gap: 0.6rem; margin: 0; }
.gallery img { height: 5.6rem; }
.picture { display: block; width: 100%; padding: 0; border: 0; background: none; border-radius: 0.4rem; }
.picture:hover img { border-color: var(--accent); }
.gallery figcaption { font-size: 0.74rem; } .gallery figcaption code { color: var(--ink); }
.legend { margin: 0 0 0.4rem; font-size: 0.8rem; color: var(--quiet); } .legend .key { width: 0.6rem; height: 0.6rem; } .legend .key:not(:first-child) { margin-left: 0.9rem; }
.slowest { margin: 0; padding: 0; list-style: none; }
.slowest li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0 0.6rem; padding: 0.18rem 0; font-size: 0.88rem; }
.slowest .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.slowest small { font-size: 0.78rem; grid-column: 1 / -1; }
.tall { max-height: 13.2rem; overflow: auto; margin: 0; }
.tall thead th { position: sticky; top: 0; background: var(--card); }
.tall th, .tall td { padding-top: 0.15rem; padding-bottom: 0.15rem; font-size: 0.84rem; white-space: nowrap; }
.images { font-size: 0.86rem; } .images td, .images th { padding-top: 0.28rem; padding-bottom: 0.28rem; }
.images tbody th { min-width: 12rem; max-width: 30rem; }
.images td { white-space: nowrap; } .images td:nth-child(3) { white-space: normal; min-width: 11rem; }
.images .key { width: 0.6rem; height: 0.6rem; }
.message { display: block; font-size: 0.8rem; max-width: 34rem; overflow-wrap: anywhere; }
.sort { padding: 0; border: 0; background: none; font-size: inherit; color: inherit; }
.sort:hover { color: var(--accent); }
[aria-sort] .sort { color: var(--ink); font-weight: 600; }
[aria-sort="descending"] .sort::after { content: " ↓"; } [aria-sort="ascending"] .sort::after { content: " ↑"; }
@media (max-width: 76rem) {
  .wide-8, .wide-7, .wide-5 { grid-column: span 12; } .wide-4, .wide-3 { grid-column: span 6; }
}
@media (max-width: 44rem) {
  .panels > * { grid-column: span 12; }
  .tiles { grid-template-columns: 1fr 1fr; } .tiles dd { font-size: 1.3rem; }
  .controls, .controls input { flex: 1; }
}
@media (hover: none) { .tools { opacity: 1; } }
@media (prefers-reduced-motion: reduce) { .tools { transition: none; } }
@media print {
  body { padding: 0; max-width: none; font-size: 9pt; }
  .controls, .tools, .more, .filters .small, .filters a, .cross, .tip, .cursor, .brush { display: none !important; }
  .filters { position: static; background: none; backdrop-filter: none; margin: 0.4rem 0 0; padding: 0; }
  .panel, .tiles div { break-inside: avoid; } #images { break-inside: auto; }
  .wide-8, .wide-7, .wide-5 { grid-column: span 12; } .wide-4, .wide-3 { grid-column: span 6; }
  .plot { min-height: 0 !important; }
  .canvas, .canvas > div, .canvas canvas { position: static !important; width: 100% !important; height: auto !important; }
  .track, .track span, .chip { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
