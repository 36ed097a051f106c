import { parquetRead } from "hyparquet";
import type { Columns, TableOf } from "./columns.ts";

/** A gzipped Parquet file as columns. */
export async function decodeTable<C extends Columns>(columns: C, gzipped: Uint8Array<ArrayBuffer>): Promise<TableOf<C>> {
  const file = await new Response(new Blob([gzipped]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  const table = Object.fromEntries(Object.keys(columns).map((name) => [name, [] as unknown[]]));
  await parquetRead({
    file,
    onChunk: ({ columnName, columnData, rowStart }) => {
      const column = table[columnName];
      if (column === undefined) return;
      for (let index = 0; index < columnData.length; index += 1) column[rowStart + index] = columnData[index];
    },
  });
  const rows = Object.values(table)[0]?.length ?? 0;
  const typed = Object.entries(columns).map(([name, type]) => [name, typedColumn(table[name]!, type)]);
  return { rows, ...Object.fromEntries(typed) } as TableOf<C>;
}

function typedColumn(values: unknown[], type: Columns[string]): unknown {
  if (type === "STRING" || type === "STRING?") return values.map((value) => value ?? null);
  return Float64Array.from(values, (value) => (typeof value === "number" ? value : Number.NaN));
}
