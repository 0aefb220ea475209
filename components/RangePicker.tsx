/** Time ranges as links, so that an address restores the page, and own dates in a form. */
import { localInputTime } from "./input_time.ts";
import { type Range, RANGES } from "./live_message.ts";

interface Props {
  readonly url: URL;
  readonly range: Range;
  readonly nowUs: number;
}

export function RangePicker({ url, range, nowUs }: Props) {
  const toUs = range.toUs ?? nowUs;
  const isOfDates = range.toUs !== null;
  const kept = [...url.searchParams].filter(([name]) => !["range", "from", "to"].includes(name));
  return (
    <div class="seg" role="group" aria-label="Time range">
      {RANGES.map(({ id, label }) => (
        <a href={rangeLink(url, id)} aria-current={id === range.id ? "true" : "false"}>{label}</a>
      ))}
      <details class="dates">
        <summary aria-current={isOfDates ? "true" : "false"}>Dates</summary>
        <form method="get" action={url.pathname}>
          {kept.map(([name, value]) => (
            <input
              key={name}
              type="hidden"
              name={name}
              value={value}
            />
          ))}
          <label class="field">
            <span>From</span>
            <input
              type="datetime-local"
              name="from"
              step="1"
              required
              value={localInputTime(toUs - range.spanS * 1e6)}
            />
          </label>
          <label class="field">
            <span>To</span>
            <input type="datetime-local" name="to" step="1" value={localInputTime(toUs)} />
          </label>
          <button type="submit" class="btn main">Show</button>
        </form>
      </details>
    </div>
  );
}

function rangeLink(url: URL, id: string): string {
  const query = new URLSearchParams(url.search);
  query.delete("from");
  query.delete("to");
  query.set("range", id);
  return `${url.pathname}?${query}`;
}
