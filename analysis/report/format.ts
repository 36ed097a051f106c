/** Numbers as a person reads them. Never by locale: the page is the same wherever it is made. */

export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 image`, `2 images` */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(scaled) : short(scaled)} ${units[unit]}`;
}

export function duration(ms: number): string {
  if (ms < 999.5) return `${short(ms)} ms`;
  if (ms < 59_950) return `${short(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return `${minutes} min ${seconds % 60} s`;
}

/** Three significant digits at most below 100, whole numbers above. */
export function short(value: number): string {
  if (value >= 100) return count(value);
  if (value > 0 && value < 0.005) return "<0.01";
  return String(Number(value.toFixed(value >= 10 ? 1 : 2)));
}

/** A share that is not nothing never reads 0 %, one that is not all never 100 %. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return "–";
  const share = (part / whole) * 100;
  if (share > 0 && share < 0.1) return "<0.1 %";
  if (share < 100 && share > 99.9) return ">99.9 %";
  return `${Number(share.toFixed(1))} %`;
}

/** `2026-11-23 14:05:09 UTC` */
export function instant(rfc3339: string): string {
  return `${new Date(rfc3339).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * 86_400_000).toISOString().slice(0, 10);
}
