/** Time ranges as links, so that an address restores the page. */
import { type Range, RANGES } from "./live_message.ts";

export function RangePicker({ url, range }: { url: URL; range: Range }) {
  return (
    <div class="seg" role="group" aria-label="Time range">
      {RANGES.map(({ id, label }) => (
        <a href={rangeLink(url, id)} aria-current={id === range.id ? "true" : "false"}>{label}</a>
      ))}
    </div>
  );
}

function rangeLink(url: URL, id: string): string {
  const query = new URLSearchParams(url.search);
  query.set("range", id);
  return `${url.pathname}?${query}`;
}
