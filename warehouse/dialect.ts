/** The few words in which the dialects differ, as data: `{{word arguments}}` in SQL that serves both. */
export type Dialect = "duckdb" | "bigquery";

const words: Record<string, Record<Dialect, (...args: string[]) => string>> = {
  /** `{{minute COLUMN}}`: the timestamp cut to its minute. */
  minute: {
    duckdb: (column) => `date_trunc('minute', ${column})`,
    bigquery: (column) => `TIMESTAMP_TRUNC(${column}, MINUTE)`,
  },
  /** `{{percentile COLUMN N}}` of the group, N an integer; approximate over many rows. */
  percentile: {
    duckdb: (column, percent) => `quantile_disc(${column}, ${Number(percent) / 100})`,
    bigquery: (column, percent) => `APPROX_QUANTILES(${column}, 100)[OFFSET(${percent})]`,
  },
  /** `{{integer COLUMN}}`: the decimal text as an integer, null where it is none. */
  integer: {
    duckdb: (column) => `TRY_CAST(${column} AS BIGINT)`,
    bigquery: (column) => `SAFE_CAST(${column} AS INT64)`,
  },
  /** `{{element_sum COLUMN FIELD}}`: the sum of a field over a repeated record of one row, null where it is empty. */
  element_sum: {
    duckdb: (column, field) => `list_sum(list_transform(${column}, lambda element: element.${field}))`,
    bigquery: (column, field) => `(SELECT SUM(element.${field}) FROM UNNEST(${column}) AS element)`,
  },
  /** `{{element_first COLUMN FIELD CONDITION}}`: the field of the first of one row's records for which it holds, or null. */
  element_first: {
    duckdb: (column, field, ...condition) => `list_filter(${column}, lambda element: ${condition.join(" ")})[1].${field}`,
    bigquery: (column, field, ...condition) =>
      `(SELECT element.${field} FROM UNNEST(${column}) AS element WITH OFFSET AS place WHERE ${condition.join(" ")} ORDER BY place LIMIT 1)`,
  },
  /** `{{md5 COLUMN}}`: 32 hex digits. */
  md5: {
    duckdb: (column) => `md5(${column})`,
    bigquery: (column) => `TO_HEX(MD5(${column}))`,
  },
};

/** Throws for a word that there is not. `tables` says what `{{images}}`, `{{runs}}` are called in full. */
export function inDialect(dialect: Dialect, sql: string, tables: Record<string, string> = {}): string {
  return sql.replaceAll(/\{\{\s*([^}]+?)\s*\}\}/g, (_whole, inside: string) => {
    const [word = "", ...args] = inside.split(/\s+/);
    const table = tables[word];
    if (table !== undefined) return table;
    const substitute = words[word];
    if (substitute === undefined) throw new Error(`no such word in the SQL dialects: {{${inside}}}`);
    return substitute[dialect](...args);
  });
}
