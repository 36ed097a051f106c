import type { DataStudioLink } from "../../analysis/data-studio.ts";
import { usageError } from "../../core/errors.ts";
import { openInBrowser } from "../terminal/browser.ts";
import { openSession, type ConfigArguments } from "./session.ts";
import type { Shell } from "./verb.ts";

/** `report --data-studio`: asks nobody, the links follow from the configuration. */
export async function tellDataStudio(
  args: ConfigArguments & { run?: string | undefined; open?: boolean | undefined },
  shell: Shell,
): Promise<number> {
  if (args.run !== undefined) throw usageError("a report of Data Studio is about all runs", "Leave the run out; choose it in the report.");
  const { template, links } = await linksOf(args, shell);
  const [first, ...others] = links;
  if (args.json ?? false) {
    shell.out(JSON.stringify({ template: template ?? null, links }));
  } else {
    shell.out(`A new report in Data Studio on ${first!.sources.join(", ")}:\n${first!.url}`);
    for (const { sources, url } of others) shell.out(`\nOn ${sources.join(", ")}:\n${url}`);
    shell.out(
      `\n${others.length === 0 ? "" : "One report can hold them all: Add data > BigQuery. "}docs/dashboards.md has the charts, field by field.`,
    );
  }
  if (args.open ?? false) await openInBrowser(first!.url);
  return 0;
}

async function linksOf(args: ConfigArguments, shell: Shell): Promise<{ template: string | undefined; links: DataStudioLink[] }> {
  const { dataStudioLinks } = await import("../../analysis/data-studio.ts");
  using session = await openSession(args, shell, { source: false, phase: "reporting" });
  const { warehouse, google } = session.config;
  const { project, dataStudioTemplate: template } = google;
  const links = dataStudioLinks({
    warehouse,
    ...(project !== undefined && { billingProject: project }),
    ...(template !== undefined && { template }),
  });
  return { template, links };
}
