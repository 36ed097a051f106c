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
