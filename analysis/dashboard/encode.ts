import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { parquetWriteBuffer, type ColumnSource } from "hyparquet-writer";
import type { Columns, RowOf } from "./model/columns.ts";

const compress = promisify(gzip);

/**
 * Rows as a Parquet file, gzipped as a whole: every browser can take that apart, which of Parquet's own codecs is true of
 * the weaker one only.
 */
export async function encodeTable<C extends Columns>(columns: C, rows: RowOf<C>[]): Promise<Uint8Array> {
  const columnData = Object.entries(columns).map(([name, type]): ColumnSource => {
    const values = rows.map((row) => row[name as keyof C]);
    return { name, data: values as ColumnSource["data"], type: basicType(type), nullable: type.endsWith("?") };
  });
  const file = parquetWriteBuffer({ columnData, codec: "UNCOMPRESSED", statistics: false, rowGroupSize: 50_000 });
  return await compress(file);
}

function basicType(type: Columns[string]): "STRING" | "DOUBLE" | "FLOAT" {
  if (type.startsWith("STRING")) return "STRING";
  return type.startsWith("DOUBLE") ? "DOUBLE" : "FLOAT";
}
