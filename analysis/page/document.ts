import { createHash } from "node:crypto";
import { markup, textOf, trusted, type Content } from "./markup.ts";

export interface PageParts {
  title: string;
  /** The page's only style sheet. */
  style: string;
  body: Content;
  /** The page's only script, run once the body is there. Absent: nothing runs. */
  script?: string;
}

/**
 * One self-contained page. Nothing is fetched: pictures are in the page, and the style sheet and the script are named by
 * their digests, so that nothing else can style or run.
 */
export function documentOf({ title, style, body, script }: PageParts): string {
  const policy = [
    "default-src 'none'",
    "img-src data:",
    `style-src ${digestSource(style)}`,
    ...(script === undefined ? [] : [`script-src ${digestSource(script)}`]),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return textOf(markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${trusted(style)}</style>
</head>
<body>
${body}
${script === undefined ? null : markup`<script>${trusted(script)}</script>`}</body>
</html>
`);
}

function digestSource(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
