import { baseStyle } from "../page/style.ts";

/** The page's only style sheet. */
export const style = `${baseStyle}
body { padding: 2.5rem clamp(1rem, 4vw, 3rem) 3rem; max-width: 68rem; }
h1 { margin: 0.2rem 0 0.6rem; font-size: clamp(1.7rem, 5vw, 2.6rem); line-height: 1.15; letter-spacing: -0.02em; text-wrap: balance; }
h2 { margin: 0 0 0.75rem; font-size: 1.3rem; letter-spacing: -0.01em; }
h3 { margin: 1.5rem 0 0.4rem; font-size: 1rem; }
p { margin: 0 0 0.9rem; max-width: 46rem; }
.lead { color: var(--quiet); }
.lead code { color: var(--ink); }
.pill { display: inline-block; padding: 0.05rem 0.6rem; border: 1px solid var(--line); border-radius: 1rem; background: var(--card); color: var(--ink); font-size: 0.88rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.3rem 1.1rem; margin: 1.5rem 0 0; padding: 0; list-style: none; font-size: 0.92rem; }
section { margin-top: 2.75rem; padding-top: 1.5rem; border-top: 1px solid var(--line); scroll-margin-top: 1rem; }
svg { display: block; }
.outcome-bar { width: 100%; height: 1.75rem; }
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
tbody th { min-width: 9rem; }
.bar { width: 30%; min-width: 6rem; vertical-align: middle; }
.meter { width: 100%; height: 0.6rem; border-radius: 0.2rem; }
.meter-track { fill: var(--line); } .meter-value { fill: var(--accent); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0 2.5rem; }
pre { margin: 0 0 0.9rem; padding: 0.8rem 1rem; overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem; line-height: 1.5; }
@media print {
  .reason, .chart, pre { break-inside: avoid; }
  pre { overflow: visible; white-space: pre-wrap; } .chart { min-width: 0; }
  .meter { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
