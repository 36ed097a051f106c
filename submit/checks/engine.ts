import { engineProblems } from "../../configs/engines/problems.ts";
import type { Config, DataprocEngineConfig } from "../../configs/config.ts";
import { keyText } from "../../configs/problems.ts";
import type { DataprocService, Place } from "../engines/dataproc/service.ts";
import { fail, ok, type Finding } from "./finding.ts";

/** No work is called so: asking for it shows that the service answers and lets itself be asked. */
const nothing = "imagemill-doctor";

/** What the engine lacks in the configuration; and does Dataproc answer, where it is the engine. */
export async function checkEngine(config: Config, openDataproc: () => Promise<DataprocService>, signal: AbortSignal): Promise<Finding[]> {
  const problems = engineProblems(config);
  if (problems.length > 0) return problems.map(({ path, message, hint }) => fail("engine", `${keyText(path)} ${message}`, hint));
  if (config.engine !== "dataproc") return [];
  const service = await openDataproc();
  try {
    return [await checkDataproc(config.dataproc, service, signal)];
  } catch (error) {
    signal.throwIfAborted();
    return [fail("engine", error)];
  } finally {
    await service.close();
  }
}

async function checkDataproc(
  { region, mode, cluster }: DataprocEngineConfig,
  service: DataprocService,
  signal: AbortSignal,
): Promise<Finding> {
  const place: Place = { project: await service.project(signal), region: region! };
  const answers = ok("engine", `Dataproc answers in ${place.region} for the project ${place.project}`);
  if (mode === "serverless") await service.batch(place, nothing, signal);
  if (mode === "ephemeral") await service.cluster(place, nothing, signal);
  if (mode !== "cluster") return answers;
  const state = (await service.cluster(place, cluster!, signal))?.status?.state;
  if (state === "RUNNING") return answers;
  const text =
    state === undefined ? `there is no cluster ${cluster} in ${place.region}` : `the cluster ${cluster} is in the state ${state}`;
  return fail("engine", text, `gcloud dataproc clusters list --region ${place.region} --project ${place.project}`);
}
