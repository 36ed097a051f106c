import { mkdtemp, open, rm, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ImagemillError, messageOf } from "../core/errors.ts";

/** Characters that are gathered before a write. */
const writeChars = 1 << 17;
const writeBytes = 1 << 18;
/** Small: a merge reads dozens of files at a time. */
const readBytes = 1 << 15;
const lineBreak = 10;

/** Lines on disk that need not fit into memory. Lines hold no line break. */
export interface SpoolFile {
  /** Resolves at once but for every few hundredth line; to be awaited before the next. */
  append(line: string): Promise<void> | undefined;
  /** Ends appending. The batches are those of reading, not those of writing. May be read again. */
  read(): AsyncGenerator<string[]>;
}

export interface Spool extends AsyncDisposable {
  file(): SpoolFile;
}

/** Buffers go from hand to hand: what is freed by the garbage collector alone is freed late. */
interface Buffers {
  take(): Buffer;
  give(buffer: Buffer): void;
}

/** A temporary folder that goes away, with every file in it, when it is disposed of. */
export async function openSpool(signal: AbortSignal): Promise<Spool> {
  const folder = await guarded(async () => mkdtemp(join(tmpdir(), "imagemill-plan-")));
  const readers = new Set<FileHandle>();
  const spare: Buffer[] = [];
  const buffers: Buffers = {
    take: () => spare.pop() ?? Buffer.allocUnsafeSlow(writeBytes),
    give: (buffer) => void (buffer.length === writeBytes && spare.push(buffer)),
  };
  let files = 0;
  return {
    file: () => spoolFile(join(folder, `${files++}.ndjson`), { buffers, readers, signal }),
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled([...readers].map(async (reader) => reader.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface SpoolContext {
  buffers: Buffers;
  /** Open for reading: a reader that is abandoned is closed with the spool. */
  readers: Set<FileHandle>;
  signal: AbortSignal;
}

/** Opened for each block anew: thousands of files may be half written. */
function spoolFile(path: string, { buffers, readers, signal }: SpoolContext): SpoolFile {
  let lines: string[] = [];
  let chars = 0;
  let isEmpty = true;

  const flush = async (): Promise<void> => {
    if (lines.length === 0) return;
    signal.throwIfAborted();
    const text = `${lines.join("\n")}\n`;
    [lines, chars, isEmpty] = [[], 0, false];
    await guarded(async () => appendText(path, text, buffers));
  };

  async function* read(): AsyncGenerator<string[]> {
    await flush();
    if (isEmpty) return;
    const handle = await open(path);
    readers.add(handle);
    try {
      yield* linesOf(handle, signal);
    } finally {
      readers.delete(handle);
      await handle.close();
    }
  }

  return {
    append: (line) => {
      lines.push(line);
      chars += line.length + 1;
      return chars < writeChars ? undefined : flush();
    },
    read,
  };
}

async function appendText(path: string, text: string, buffers: Buffers): Promise<void> {
  const bytes = Buffer.byteLength(text);
  const buffer = bytes > writeBytes ? Buffer.allocUnsafe(bytes) : buffers.take();
  buffer.write(text);
  await using handle = await open(path, "a");
  await handle.appendFile(buffer.subarray(0, bytes));
  buffers.give(buffer);
}

/** Each line is a string of its own: a slice of a block would keep the whole block alive as long as the line. */
async function* linesOf(handle: FileHandle, signal: AbortSignal): AsyncGenerator<string[]> {
  let buffer: Buffer = Buffer.allocUnsafeSlow(readBytes);
  let held = 0;
  for (;;) {
    signal.throwIfAborted();
    if (held === buffer.length) buffer = Buffer.concat([buffer], 2 * buffer.length);
    const { bytesRead } = await handle.read(buffer, held, buffer.length - held);
    if (bytesRead === 0) return;
    const filled = buffer.subarray(0, held + bytesRead);
    const lines: string[] = [];
    let start = 0;
    for (let end = filled.indexOf(lineBreak); end !== -1; end = filled.indexOf(lineBreak, start)) {
      lines.push(filled.toString("utf8", start, end));
      start = end + 1;
    }
    buffer.copyWithin(0, start, filled.length);
    held = filled.length - start;
    if (lines.length > 0) yield lines;
  }
}

async function guarded<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new ImagemillError("NO_TEMPORARY_SPACE", `planning needs temporary files, and that failed: ${messageOf(error)}`, {
      hint: `Free space in ${tmpdir()}, or point TMPDIR at a disk with room: about 300 bytes an object.`,
      cause: error,
    });
  }
}
