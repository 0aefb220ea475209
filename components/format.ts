/**
 * Numbers, units and times as people read them, the same on the server and in the browser: three significant
 * digits, SI units, a no-break space before the unit, times of the sensor's zone.
 */

import { formatCount } from "../agent/text/amounts.ts";

export { formatCount };

const space = "\u00a0";
/** What stands where a value is not known. */
export const unknown = "–";

/** A number and its unit, to be set in two sizes. */
export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

function threeDigits(value: number): string {
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return value.toFixed(digits);
}

function scaled(value: number, units: readonly string[]): Quantity {
  let index = 0;
  let rest = value;
  while (rest >= 999.5 && index < units.length - 1) {
    rest /= 1000;
    index++;
  }
  const text = index === 0 ? formatCount(rest) : threeDigits(rest);
  return { value: text, unit: units[index]! };
}

/** Bytes as kB, MB, GB … of a thousand. */
export function bytesQuantity(bytes: number): Quantity {
  return scaled(bytes, ["B", "kB", "MB", "GB", "TB"]);
}

/** Bits per second as kbit/s, Mbit/s … of a thousand. */
export function bitRateQuantity(bitsPerSecond: number): Quantity {
  return scaled(bitsPerSecond, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"]);
}

export function formatBytes(bytes: number): string {
  const { value, unit } = bytesQuantity(bytes);
  return value + space + unit;
}

export function formatBitRate(bitsPerSecond: number): string {
  const { value, unit } = bitRateQuantity(bitsPerSecond);
  return value + space + unit;
}

/** A count in words from a million on: "1.42 billion". */
export function formatCountShort(count: number): string {
  if (count >= 1e9) return threeDigits(count / 1e9) + space + "billion";
  if (count >= 1e6) return threeDigits(count / 1e6) + space + "million";
  return formatCount(count);
}

/** `part` of `whole` in percent without the sign; 0.00 where there is no whole, and never 0.00 for a real part. */
export function percentOf(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return "0.00";
  const percent = 100 * part / whole;
  return percent < 0.01 ? "<0.01" : threeDigits(Math.min(100, percent));
}

const parted = /(\d) (?=(?:[kMGT]?B|[kMG]?bit\/s|%|ms|s|min|h|d|bytes|\/ s)(?!\w))/g;

/** A sentence in which no line ends between a number and its unit, nor before what is usual. */
export function unparted(sentence: string): string {
  return sentence.replace(parted, `$1${space}`)
    .replace(/(\d\u00a0\/) (?=s\b)/g, `$1${space}`)
    .replace(/\busually (?=\d)/g, `usually${space}`);
}

/** A share for a legend, as whole percent. */
export function sharePercent(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return `0${space}%`;
  const percent = 100 * part / whole;
  return (percent < 1 ? "<1" : percent.toFixed(0)) + space + "%";
}

const durationUnits = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]] as const;

/** A duration in at most two units: "3 min 42 s", "41 d"; under a second in whole ms. */
export function formatDuration(seconds: number): string {
  if (seconds > 0 && seconds < 0.0005) return `<1${space}ms`;
  if (seconds < 1) return Math.max(0, Math.round(seconds * 1000)) + space + "ms";
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, size] of durationUnits) {
    if (parts.length === 0 && rest < size) continue;
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(count + space + unit);
    if (parts.length === 2 || (parts.length === 1 && unit === "d" && count >= 10)) break;
    if (parts.length === 1 && count === 0) break;
  }
  return parts.join(space);
}

/** A time zone's wall clock; made once a zone, since Intl formatters are dear. */
interface ZoneFormats {
  readonly clock: Intl.DateTimeFormat;
  readonly fields: Intl.DateTimeFormat;
  /** Of times that were asked for, by the quarter of an hour. */
  readonly days: Map<number, Readonly<Record<string, string>>>;
}
const zones = new Map<string, ZoneFormats>();

function zoneFormats(zone: string): ZoneFormats {
  const known = zones.get(zone);
  if (known) return known;
  const made = {
    days: new Map<number, Readonly<Record<string, string>>>(),
    clock: new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeStyle: "medium" }),
    fields: new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      weekday: "short",
      day: "numeric",
      month: "short",
      year: "numeric",
    }),
  };
  zones.set(zone, made);
  return made;
}

/** "14:07:31" in `zone` (an IANA name). */
export function formatClock(timestampUs: number, zone: string): string {
  return zoneFormats(zone).clock.format(Math.floor(timestampUs / 1000));
}

/** "14:07", for axes and ranges. */
export function formatMinute(timestampUs: number, zone: string): string {
  return formatClock(timestampUs, zone).slice(0, 5);
}

/** "14:07:31.218113". */
export function formatPacketTime(timestampUs: number, zone: string): string {
  const micros = String(Math.floor(timestampUs) % 1_000_000).padStart(6, "0");
  return `${formatClock(timestampUs, zone)}.${micros}`;
}

/** The day in `zone`: "Sun 22 Nov", with the year if it is not that of `nowUs`. */
export function formatDay(timestampUs: number, nowUs: number, zone: string): string {
  const field = dayFields(timestampUs, zone);
  const day = `${field.weekday} ${field.day} ${field.month}`;
  return field.year === dayFields(nowUs, zone).year ? day : `${day} ${field.year}`;
}

/** "14:07:31" today, "Sat 21:30" within a week, "9 Nov 23:40" before that, with the year if it is another. */
export function formatWhen(timestampUs: number, nowUs: number, zone: string): string {
  return whenText(timestampUs, { nowUs, zone }, formatMinute(timestampUs, zone));
}

/** The same to the second on other days too, for facts and evidence: "Sat 21:30:04". */
export function formatSecond(timestampUs: number, nowUs: number, zone: string): string {
  return whenText(timestampUs, { nowUs, zone }, formatClock(timestampUs, zone));
}

function whenText(
  timestampUs: number,
  { nowUs, zone }: { readonly nowUs: number; readonly zone: string },
  time: string,
): string {
  const then = dayFields(timestampUs, zone);
  const now = dayFields(nowUs, zone);
  const sameYear = then.year === now.year;
  if (sameYear && then.month === now.month && then.day === now.day) {
    return formatClock(timestampUs, zone);
  }
  if (Math.abs(nowUs - timestampUs) < 6 * 86_400e6) return `${then.weekday} ${time}`;
  const date = `${then.day} ${then.month}`;
  return sameYear ? `${date} ${time}` : `${date} ${then.year} ${time}`;
}

/** Where it is midnight is told by whole quarters of an hour: of each the fields are kept, as a list asks for the same again. */
function dayFields(timestampUs: number, zone: string): Readonly<Record<string, string>> {
  const { fields, days } = zoneFormats(zone);
  const quarter = Math.floor(timestampUs / quarterUs);
  const known = days.get(quarter);
  if (known !== undefined) return known;
  const parts = fields.formatToParts(quarter * quarterUs / 1000);
  const made = Object.fromEntries(
    // "Sept" is the one month that has four letters.
    parts.map(({ type, value }) => [type, type === "month" ? value.slice(0, 3) : value]),
  );
  if (days.size >= daysMax) days.clear();
  days.set(quarter, made);
  return made;
}
const quarterUs = 900_000_000;
const daysMax = 1000;

/** An address for a table: IPv6 and other long ones in two pieces, so that the middle gives way, not the end. */
export function splitAddress(address: string): readonly [string, string] | null {
  return address.length > 20 ? [address.slice(0, -14), address.slice(-14)] : null;
}

const tcpFlagNames = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];

/** TCP flags from the lowest bit on, as "SYN, ACK". */
export function formatTcpFlags(flags: number): string {
  return tcpFlagNames.filter((_, bit) => flags & (1 << bit)).join(", ");
}
