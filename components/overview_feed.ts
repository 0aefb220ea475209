/** The overview's range, asked for again while it goes on: once a page, for all of its islands. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { connection } from "./live.ts";
import type { Range } from "./live_message.ts";
import type { Overview } from "./overview.ts";
import { fromWire } from "./wire.ts";

const newest = signal<Overview | null>(null);
let readers = 0;
let timer = 0;

/** `source` is the query of `/api/stats`. */
export function useOverview(source: string, range: Range): Overview | null {
  useEffect(() => {
    if (range.toUs !== null) return;
    if (readers++ === 0) {
      timer = setInterval(() => ask(source), Math.min(60, Math.max(5, range.bucketS)) * 1000);
    }
    return () => {
      if (--readers === 0) clearInterval(timer);
    };
  }, []);
  return newest.value;
}

async function ask(source: string): Promise<void> {
  if (document.hidden || connection.value === "paused") return;
  const response = await fetch(`/api/stats?${source}`).catch(() => null);
  if (response?.ok) newest.value = fromWire<Overview>(await response.json());
}
