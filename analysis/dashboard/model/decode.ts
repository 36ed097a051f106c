import { parquetRead } from "hyparquet";
import type { Columns, TableOf } from "./columns.ts";

interface Chunk {
  rowStart: number;
  values: ArrayLike<unknown>;
}

/** A gzipped Parquet file as columns. */
export async function decodeTable<C extends Columns>(columns: C, gzipped: Uint8Array<ArrayBuffer>): Promise<TableOf<C>> {
  const file = await new Response(new Blob([gzipped]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  const chunks = new Map<string, Chunk[]>();
  let rows = 0;
  await parquetRead({
    file,
    onChunk: ({ columnName, columnData, rowStart, rowEnd }) => {
      chunks.set(columnName, [...(chunks.get(columnName) ?? []), { rowStart, values: columnData }]);
      rows = Math.max(rows, rowEnd);
    },
  });
  const typed = Object.entries(columns).map(([name, type]) => {
    const column = chunks.get(name) ?? [];
    return [name, type.startsWith("STRING") ? texts(column, rows) : numbers(column, rows)];
  });
  return { rows, ...Object.fromEntries(typed) } as TableOf<C>;
}

function texts(chunks: Chunk[], rows: number): unknown[] {
  const column = Array.from<unknown>({ length: rows });
  for (const { rowStart, values } of chunks) {
    for (let index = 0; index < values.length; index += 1) column[rowStart + index] = values[index] ?? null;
  }
  return column;
}

function numbers(chunks: Chunk[], rows: number): Float64Array {
  const column = new Float64Array(rows);
  for (const { rowStart, values } of chunks) {
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index];
      column[rowStart + index] = typeof value === "number" ? value : Number.NaN;
    }
  }
  return column;
}
