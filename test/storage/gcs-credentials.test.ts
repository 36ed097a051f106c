import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const client = new URL("../../storage/gcs-client.ts", import.meta.url).href;

/** In a process of its own: Google's library keeps what it has found out. */
async function headersUnder(env: NodeJS.ProcessEnv): Promise<unknown> {
  const script = `
    import { authorisation } from ${JSON.stringify(client)};
    let now = 0;
    const authorise = authorisation("https://storage.example.com", { monotonicMs: () => now });
    try {
      const first = await authorise();
      now = 30_000;
      console.log(JSON.stringify([first, await authorise()]));
    } catch ({ code, hint }) {
      console.log(JSON.stringify({ code, hint }));
    }`;
  const { PATH } = process.env;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { env: { PATH, ...env } });
  return JSON.parse(stdout) as unknown;
}

describe("credentials for Cloud Storage", () => {
  let home: string;
  let metadata: Server;
  let asked: string[];
  before(async () => {
    home = mkdtempSync(join(tmpdir(), "imagemill-home-"));
    metadata = createServer(({ url = "" }, response) => {
      asked.push(url);
      response.setHeader("metadata-flavor", "Google").setHeader("content-type", "application/json");
      if (url.includes("/token")) response.end(JSON.stringify({ access_token: "of-this-machine", expires_in: 3600, token_type: "Bearer" }));
      else response.end(url.includes("universe") ? "googleapis.com" : "{}");
    });
    metadata.listen(0, "127.0.0.1");
    await once(metadata, "listening");
  });
  beforeEach(() => (asked = []));
  after(() => {
    metadata.closeAllConnections();
    metadata.close();
    rmSync(home, { recursive: true });
  });

  it("come from the machine's service account, and are kept for a while", async () => {
    const host = `127.0.0.1:${(metadata.address() as AddressInfo).port}`;
    const headers = (await headersUnder({ HOME: home, GCE_METADATA_HOST: host, METADATA_SERVER_DETECTION: "assume-present" })) as {
      authorization: string;
    }[];
    assert.deepEqual(
      headers.map(({ authorization }) => authorization),
      ["Bearer of-this-machine", "Bearer of-this-machine"],
    );
    assert.equal(asked.filter((url) => url.includes("/token")).length, 1);
  });

  it("may be missing: public buckets need none", async () => {
    assert.deepEqual(await headersUnder({ HOME: home, METADATA_SERVER_DETECTION: "none" }), [{}, {}]);
  });

  it("that do not work say what to do", async () => {
    const file = join(home, "key.json");
    writeFileSync(file, '{"type":"service_account","client_email":"x@example.com","private_key":"nonsense"}');
    const result = (await headersUnder({ HOME: home, GOOGLE_APPLICATION_CREDENTIALS: file })) as { code: string; hint: string };
    assert.equal(result.code, "PERMISSION_DENIED");
    assert.match(result.hint, /gcloud auth application-default login/);
  });
});
