import type { Readable } from "node:stream";

/** Whole lines of a process's output. What is longer than `maxLineBytes` comes in pieces: nothing grows without end. */
export async function* linesOf(stream: Readable, maxLineBytes = 1 << 20): AsyncGenerator<string> {
  stream.setEncoding("utf8");
  let rest = "";
  for await (const piece of stream as AsyncIterable<string>) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop()!;
    yield* lines;
    if (rest.length > maxLineBytes) {
      yield rest;
      rest = "";
    }
  }
  if (rest !== "") yield rest;
}
