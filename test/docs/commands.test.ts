import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { readPhotographs } from "../../demo/photos.ts";

/*
 * Every command in a block of README.md and CONTRIBUTING.md is run: here, or by the test or the stage of CI that is named
 * here. A new line in a block fails this test until somebody says who runs it.
 */

const root = join(import.meta.dirname, "..", "..");
const execute = promisify(execFile);
const read = (file: string): string => readFileSync(join(root, file), "utf8");

/** Lines of the fenced blocks of commands, without their comments. */
function commandsOf(file: string): string[] {
  const lines: string[] = [];
  let block: string | undefined;
  for (const line of read(file).split("\n")) {
    const fence = /^```(\w*)$/.exec(line);
    if (fence !== null) block = block === undefined ? fence[1] : undefined;
    else if (block === "sh" || block === "") lines.push(...line.replace(/\s+# .*$/, "").split(" && "));
  }
  return lines.filter((line) => line !== "");
}

/** Who runs what is not run here: a file, and text in it that shows it. */
const elsewhere: [command: RegExp, file: string, shown: string][] = [
  [/^npm ci$/, ".ci/run", "npm ci"],
  [/^npm test$/, ".ci/run", "npm test"],
  [/^npm run check$/, ".ci/run", "npm run check"],
  [/^npm run test:real$/, ".ci/run", "npm run test:real"],
  [/^npm run demo$/, "test/demo/run.test.ts", "demo"],
  [/^npm run servers$/, "test/real/e2e/readme.test.ts", "startGcsProxy"],
  [/^\.ci\/run$/, ".ci/run", "stage install"],
  [/ --engine dataproc /, "test/real/engines/dataproc-run.test.ts", 'engine: "dataproc"'],
  [/ --config nightly\.yaml/, "test/real/e2e/readme.test.ts", "On Google Cloud"],
];

const here: { command: RegExp; answer: RegExp }[] = [
  {
    command: /^npx imagemill plan --source ~\/Pictures$/,
    answer: /: 3 objects, [^]*about .* here, with \d+ workers?[^]*nothing was stored/,
  },
  { command: /^npx imagemill run --source ~\/Pictures$/, answer: /is done: 3 images/ },
  { command: /^npx imagemill report --open$/, answer: /out\/dashboard\.html/ },
];

describe("the commands of README.md and CONTRIBUTING.md", function () {
  this.timeout(120_000);
  const commands = [...new Set(["README.md", "CONTRIBUTING.md"].flatMap(commandsOf))];
  const isHere = (command: string): boolean => here.some((one) => one.command.test(command));

  it("are all run by somebody", () => {
    assert.ok(commands.length >= here.length + elsewhere.length, commands.join("\n"));
    assert.deepEqual(
      commands.filter((command) => !isHere(command) && !elsewhere.some(([known]) => known.test(command))),
      [],
    );
    for (const [known, file, shown] of elsewhere) {
      assert.ok(
        commands.some((command) => known.test(command)),
        `${String(known)} is in no block any more`,
      );
      assert.ok(read(file).includes(shown), `${file} does not show ${shown}`);
    }
  });

  it("work on a folder of one's own, in their order", async () => {
    const home = await mkdtemp(join(tmpdir(), "imagemill-readme-"));
    try {
      await mkdir(join(home, "Pictures"));
      for (const { name, bytes } of (await readPhotographs()).slice(0, 3)) await writeFile(join(home, "Pictures", name), bytes);
      const own = commands.filter(isHere);
      assert.equal(own.length, here.length);
      for (const [index, command] of own.entries()) {
        // What a shell does to ~, and a browser that nobody sees.
        const words = command.replaceAll("~", home).split(" ").slice(2);
        const shown = words.filter((word) => word !== "--open");
        const { stdout } = await execute(process.execPath, [join(root, "submit", "bin.js"), ...shown], { cwd: home });
        assert.match(stdout, here[index]!.answer, command);
        assert.equal(existsSync(join(home, "out")), !command.includes(" plan "), command);
      }
    } finally {
      await rm(home, { recursive: true });
    }
  });
});
