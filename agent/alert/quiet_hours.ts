/** Quiet hours: a stretch of the day in local time, as "22:00-07:00". */

export interface QuietHours {
  /** Minutes after midnight; the first is quiet, the last is not. */
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Null when the text is none: two different times of day, HH:MM-HH:MM. */
export function parseQuietHours(text: string): QuietHours | null {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text.trim());
  if (!match) return null;
  const [, fromHour, fromMinute, toHour, toMinute] = match;
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const to = Number(toHour) * 60 + Number(toMinute);
  return from === to ? null : { from, to, text: text.trim() };
}

export function isQuiet({ from, to }: QuietHours, minuteOfDay: number): boolean {
  const isWithin = minuteOfDay >= from && minuteOfDay < to;
  return from < to ? isWithin : minuteOfDay >= from || minuteOfDay < to;
}
