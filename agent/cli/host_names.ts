/** Names of hosts for the sentences of incidents: what the newest snapshot or the database knows. */
import type { LiveState } from "../live_state.ts";
import type { StoreQueries } from "../store/queries.ts";

const namesMax = 4096;

/** A database that cannot be read has no names. */
export class HostNames {
  readonly #live: Pick<LiveState, "snapshot">;
  readonly #queries: Pick<StoreQueries, "hostNames">;
  readonly #names = new Map<string, string>();
  /** Addresses without a name when the snapshot came: they are asked for again with the next. */
  readonly #unnamed = new Set<string>();
  #snapshot: LiveState["snapshot"] = null;

  constructor(live: Pick<LiveState, "snapshot">, queries: Pick<StoreQueries, "hostNames">) {
    this.#live = live;
    this.#queries = queries;
  }

  /** The name of a host; "" when none is known. */
  nameOf(address: string): string {
    const { snapshot } = this.#live;
    if (snapshot !== this.#snapshot) this.askAgain();
    this.#snapshot = snapshot;
    const before = this.#unnamed.has(address) ? "" : this.#names.get(address);
    if (before !== undefined) return before;
    const name = snapshot?.topTalkers.find((host) => host.address === address)?.name ||
      this.#storedName(address);
    if (this.#names.size >= namesMax) this.#names.clear();
    if (name === "") this.#unnamed.add(address);
    else this.#names.set(address, name);
    return name;
  }

  /** The database may know more now. */
  askAgain(): void {
    this.#unnamed.clear();
  }

  #storedName(address: string): string {
    try {
      return this.#queries.hostNames([address])[address.toLowerCase()] ?? "";
    } catch {
      return ""; // told by whoever shows the database
    }
  }
}
