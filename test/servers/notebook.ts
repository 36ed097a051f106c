import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { installed, pythonEnvironment } from "./install.ts";

const execute = promisify(execFile);

/** What a notebook service has by itself, and papermill, which executes without a browser. */
const packages = [
  "papermill==2.7.0",
  "ipykernel==7.4.0",
  "pandas==3.1.1",
  "matplotlib==3.11.2",
  "duckdb==2.0.1",
  "google-cloud-bigquery==3.47.0",
  "google-cloud-storage==3.17.1",
];

export const notebook = new URL("../../analysis/notebook/imagemill.ipynb", import.meta.url).pathname;

export interface Cell {
  cell_type: "code" | "markdown";
  id: string;
  metadata: { tags?: string[] };
  source: string[];
  execution_count?: number | null;
  outputs?: CellOutput[];
}

interface CellOutput {
  output_type: string;
  text?: string[];
  data?: Record<string, unknown>;
}

export interface Notebook {
  cells: Cell[];
  metadata: Record<string, unknown>;
  nbformat: number;
}

export interface Executed {
  /** What the last cell shows for a machine. */
  findings: Record<string, unknown>;
  /** PNG images by the id of their cell. */
  figures: Map<string, Buffer>;
  /** Printed text, all of it. */
  text: string;
}

/** The folder of a Python environment that can execute the notebook. */
export async function installJupyter(): Promise<string> {
  return installed(pythonEnvironment("jupyter-1", "python3", packages));
}

/** Executes the notebook headless in `folder`; fails with the traceback of the cell that fails. */
export async function executeNotebook(
  environment: string,
  folder: string,
  parameters: Record<string, string | number>,
  variables: NodeJS.ProcessEnv = {},
): Promise<Executed> {
  const result = join(folder, `executed-${Date.now()}.ipynb`);
  const given = Object.entries(parameters).flatMap(([name, value]) => ["-p", name, String(value)]);
  const settings = { MPLCONFIGDIR: join(environment, "matplotlib"), IPYTHONDIR: join(folder, ".ipython"), ...variables };
  await execute(join(environment, "bin", "papermill"), [notebook, result, "--no-progress-bar", "--cwd", folder, ...given], {
    env: { ...process.env, ...settings },
    timeout: 300_000,
    maxBuffer: 64 << 20,
  });
  return readExecuted(JSON.parse(await readFile(result, "utf8")) as Notebook);
}

function readExecuted({ cells }: Notebook): Executed {
  const outputs = cells.flatMap((cell) => (cell.outputs ?? []).map((output) => ({ id: cell.id, output })));
  const figures = outputs.filter(({ output: { data } }) => data?.["image/png"] !== undefined);
  const findings = outputs.map(({ output }) => output.data?.["application/json"]).find((data) => data !== undefined);
  return {
    findings: findings as Record<string, unknown>,
    figures: new Map(figures.map(({ id, output: { data } }) => [id, Buffer.from(data!["image/png"] as string, "base64")])),
    text: outputs.flatMap(({ output }) => output.text ?? []).join(""),
  };
}
