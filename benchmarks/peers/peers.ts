import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { usageError } from "../../core/errors.ts";
import { program, type Contender, type Place } from "../contenders.ts";

interface Peer {
  script: string;
  requirements: string[];
  what: string;
}

/** Installed on demand, each into its own virtual environment. */
const peers: Record<string, Peer> = {
  img2dataset: {
    script: "img2dataset_peer.py",
    requirements: ["img2dataset==1.47.0", "setuptools<81"],
    what: "its own downloader over file:// URLs, OpenCV, JPEG quality 80, inside 256 pixels",
  },
  ray: { script: "ray_peer.py", requirements: ["ray[data]==2.60.0", "pillow==13.0.0"], what: "Ray Data, Pillow with draft mode" },
  daft: {
    script: "daft_peer.py",
    requirements: ["daft==0.7.26"],
    what: "Daft's own image expressions: stretched to 256 x 256, its own JPEG quality",
  },
  spark: {
    script: "spark_peer.py",
    requirements: ["pyspark==4.3.0", "pillow==13.0.0"],
    what: "Spark binaryFile on local cores, Pillow with draft mode",
  },
};

/** No look for newer versions, no usage reports: a benchmark stays on its machine. */
const quiet = { NO_ALBUMENTATIONS_UPDATE: "1", RAY_USAGE_STATS_ENABLED: "0", DO_NOT_TRACK: "1", SPARK_LOCAL_IP: "127.0.0.1" };

const run = promisify(execFile);

/** Makes the environment where it is not there yet. Needs Python (IMAGEMILL_BENCH_PYTHON names another one) and PyPI. */
export async function peerContender(name: string, cache: string, { source, scratch, cores }: Place): Promise<Contender> {
  const peer = Object.hasOwn(peers, name) ? peers[name]! : undefined;
  if (peer === undefined) throw usageError(`there is no peer "${name}"`, `There are ${Object.keys(peers).join(", ")}.`);
  const environment = join(cache, "peers", name);
  await install(environment, peer.requirements);
  const python = join(environment, "bin", "python");
  return {
    name,
    what: `${peer.requirements[0]!}: ${peer.what}; start-up left out`,
    run: async () => {
      const args = [join(import.meta.dirname, peer.script), source, join(scratch, name), String(cores)];
      const measured = await program(scratch, python, args, { ...quiet, PYTHONPATH: import.meta.dirname, PYSPARK_PYTHON: python });
      // Some leave processes of their own to the system, whose CPU time is then nobody's.
      delete measured.cpuMs;
      return measured;
    },
  };
}

async function install(environment: string, requirements: string[]): Promise<void> {
  const done = join(environment, "installed");
  if (existsSync(done)) return;
  await run(process.env["IMAGEMILL_BENCH_PYTHON"] ?? "python3", ["-m", "venv", "--clear", environment]);
  await run(join(environment, "bin", "pip"), ["install", "--quiet", ...requirements], { maxBuffer: 1e8 });
  await mkdir(done);
}
