/** Names of hosts for the sentences of incidents: what the newest snapshot or the database knows. */
import type { LiveState } from "../live_state.ts";
import type { StoreQueries } from "../store/queries.ts";

const namesMax = 4096;
/** Wall clock after which a host without a name is asked for again. */
const retryMs = 10_000;

/** The name of a host; "" when none is known. A database that cannot be read has no names. */
export function hostNames(live: LiveState, queries: StoreQueries): (address: string) => string {
  const known = new Map<string, { readonly name: string; readonly askedMs: number }>();
  return (address) => {
    const before = known.get(address);
    const nowMs = Date.now();
    if (before && (before.name !== "" || nowMs - before.askedMs < retryMs)) return before.name;
    const name = live.snapshot?.topTalkers.find((host) => host.address === address)?.name ||
      storedName(queries, address);
    if (known.size >= namesMax) known.clear();
    known.set(address, { name, askedMs: nowMs });
    return name;
  };
}

function storedName(queries: StoreQueries, address: string): string {
  try {
    return queries.host(address)?.name ?? "";
  } catch {
    return ""; // told by whoever shows the database
  }
}
