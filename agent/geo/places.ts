/**
 * Countries and networks of addresses, in this thread: asked for what is shown and searched, never for each packet. Every thread
 * that asks is given the files once they are read, and again when one was replaced (cli/geo_host.ts).
 */
import { isPrivate, parseIpWords, staysOnLink } from "../decode/addresses.ts";
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

/**
 * Null where nothing is known, and for what is no address or is everywhere: private and link-local ones, which some files put into a
 * country. Of several files the first that knows the country or the network counts. */
export function placeOf(address: string): Place | null {
  if (databases.length === 0) return null;
  const before = known.get(address);
  if (before !== undefined) return before;
  const words = parseIpWords(address);
  const hasPlace = words !== null && !isPrivate(...words) && !staysOnLink(...words);
  const place = hasPlace ? look(address) : null;
  if (known.size >= knownMax) known.clear();
  known.set(address, place);
  return place;
}

/** Columns of lists that hold an address, by what begins the names of those about its place. */
const addressColumns: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  flows: { orig_: "orig_h", resp_: "resp_h" },
  packets: { src_: "src", dst_: "dst" },
  hosts: { "": "address" },
};

/** What placedRow() adds to the rows of a list: "orig_country", "orig_asn" …; none without a file. */
export function placeColumns(list: string): string[] {
  if (databases.length === 0) return [];
  return Object.keys(addressColumns[list] ?? {}).flatMap((begin) => [
    `${begin}country`,
    `${begin}asn`,
  ]);
}

/** A row of a list with country and network of its addresses, null where they are not known; the same row without a file. */
export function placedRow<Row extends object>(list: string, row: Row): Row {
  if (databases.length === 0 || addressColumns[list] === undefined) return row;
  const added = Object.entries(addressColumns[list]).flatMap(([begin, column]) => {
    const place = placeOf(String((row as Record<string, unknown>)[column]));
    return [[`${begin}country`, place?.country || null], [`${begin}asn`, place?.asn || null]];
  });
  return { ...row, ...Object.fromEntries(added) };
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
