/**
 * Countries and networks of addresses, in this thread: asked for what is shown and searched, never for each packet. Every thread
 * that asks is given the files once they are read, and again when one was replaced (cli/geo_host.ts).
 */
import { parseIpWords } from "../decode/addresses.ts";
import { type GeoFile, Mmdb, type Place } from "./mmdb.ts";

export type { GeoFile, Place } from "./mmdb.ts";

const knownMax = 20_000;

let databases: readonly Mmdb[] = [];
const known = new Map<string, Place | null>();

/** Takes the place of all files before. What cannot be read is left out. */
export function setGeoFiles(files: readonly GeoFile[]): void {
  databases = files.flatMap((file) => {
    try {
      return [new Mmdb(file)];
    } catch {
      return []; // whoever read the file has said so
    }
  });
  known.clear();
}

export function knowsCountries(): boolean {
  return databases.some(({ hasCountries }) => hasCountries);
}

export function knowsNetworks(): boolean {
  return databases.some(({ hasNetworks }) => hasNetworks);
}

/** Null where nothing is known, and for what is no address. Of several files the first that knows the country or the network counts. */
export function placeOf(address: string): Place | null {
  if (databases.length === 0) return null;
  const before = known.get(address);
  if (before !== undefined) return before;
  const place = parseIpWords(address) === null ? null : look(address);
  if (known.size >= knownMax) known.clear();
  known.set(address, place);
  return place;
}

/** By address, of those of which something is known. */
export function placesOf(addresses: Iterable<string>): Record<string, Place> {
  const found: Record<string, Place> = {};
  for (const address of addresses) {
    const place = placeOf(address);
    if (place !== null) found[address] = place;
  }
  return found;
}

function look(address: string): Place | null {
  const all = databases.map((database) => database.placeOf(address)).filter((one) => one !== null);
  if (all.length < 2) return all[0] ?? null;
  const network = all.find(({ asn }) => asn > 0);
  return {
    country: all.find(({ country }) => country !== "")?.country ?? "",
    asn: network?.asn ?? 0,
    organization: network?.organization ?? "",
  };
}
