/** Times as inputs of the type datetime-local have them. On the server only: the zone is that of this machine. */

/** For an input of the type datetime-local: the sensor's clock, to the second. */
export function localInputTime(timeUs: number): string {
  const date = new Date(timeUs / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${day}T${clock}`;
}

/** When the day before that of a time began, by the sensor's clock. */
export function startOfYesterdayUs(timeUs: number): number {
  const date = new Date(timeUs / 1000);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() - 1).getTime() * 1000;
}

/** The value of such an input from a query: microseconds become a time, anything else stays. */
export function inputTimeOf(text: string): string {
  return /^\d{1,16}$/.test(text) ? localInputTime(Number(text)) : text;
}
