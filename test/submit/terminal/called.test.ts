import assert from "node:assert/strict";
import { verbs } from "../../../submit/commands/verbs.ts";
import { nameOf } from "../../../submit/commands/verb.ts";
import { asCalled, commandName, whereOfWords } from "../../../submit/terminal/called.ts";

const id = "2026-11-23-0123456789ab";
const called = { command: "npx imagemill", where: " --control c" };

describe("commands to type next", () => {
  it("call the program as it was called, and name the place of their run", () => {
    const cases: [said: string, shown: string][] = [
      [`\`imagemill status ${id} --watch\` shows it`, `\`npx imagemill status ${id} --control c --watch\` shows it`],
      [`then: imagemill finish ${id}`, `then: npx imagemill finish ${id} --control c`],
      ["`imagemill doctor` checks it.", "`npx imagemill doctor --control c` checks it."],
      ["imagemill archive prune", "npx imagemill archive prune --control c"],
      ["did you mean imagemill run?", "did you mean npx imagemill run?"],
      ["See imagemill run --help", "See npx imagemill run --help"],
    ];
    for (const [said, shown] of cases) assert.equal(asCalled(said, called), shown);
  });

  it("leave everything else as it is", () => {
    for (const text of ["this imagemill knows no such format", "node_modules/imagemill/run imagemill-try", "npx imagemill run"]) {
      assert.equal(asCalled(text, called), text);
    }
    const plain = `imagemill report ${id}`;
    assert.equal(asCalled(plain, { command: "imagemill", where: "" }), plain);
  });

  it("know every verb", () => {
    for (const verb of verbs) assert.equal(asCalled(`imagemill ${nameOf(verb)}`, called).startsWith("npx "), true, nameOf(verb));
  });

  it("find the place on a command line that nobody has parsed", () => {
    assert.equal(whereOfWords(["run", "--control", "a b", "--archive=x", "--limit", "3"]), " --archive x --control 'a b'");
    assert.equal(whereOfWords(["run", "--control"]), "");
    assert.equal(commandName({}), "imagemill");
    assert.equal(commandName({ npm_command: "exec" }), "npx imagemill");
  });
});
