/** Times for machines. */

/** ISO 8601 UTC with microseconds: "2026-11-22T14:07:31.000123Z". */
export function isoTime(timestampUs: number): string {
  const seconds = Math.floor(timestampUs / 1e6);
  const micros = Math.floor(timestampUs - seconds * 1e6);
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return "1970-01-01T00:00:00.000000Z";
  return `${date.toISOString().slice(0, -5)}.${String(micros).padStart(6, "0")}Z`;
}
