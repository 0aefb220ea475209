/**
 * Who made a network card, by the first bits of its MAC address (IEEE MA-L, MA-M, MA-S; 24, 28 or 36 of them). The table is made at
 * build time (tools/build_vendors.ts, decision 0011) and unpacked when it is first asked: 1 MB, kept from then on.
 *
 *     names, each ended by a line feed; a zero byte
 *     for 6, 7, 9 hex digits: their count; each prefix less the one before it; each prefix' number of its name    (varints, LEB128)
 */
import { brotliDecompressSync } from "node:zlib";

interface VendorTable {
  readonly names: readonly string[];
  /** By the number of hex digits: prefixes, rising, and the numbers of their names. */
  readonly prefixes: readonly {
    readonly digits: number;
    readonly values: Float64Array;
    readonly names: Uint16Array;
  }[];
}

/** Said of MAC addresses that no maker has assigned (RFC 9542 section 2.1): of virtual machines, and telephones that make one up. */
export const LOCALLY_ASSIGNED = "locally assigned address";
const digitCounts = [6, 7, 9] as const;
let loaded: Promise<VendorTable> | null = null;

/** Makers by MAC address as `02:00:5e:10:00:01`; those of unknown ones are "". */
export async function vendorsOf(macs: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const asked = [...new Set(macs)].filter((mac) => /^(\w\w:){5}\w\w$/.test(mac));
  if (asked.length === 0) return new Map();
  const table = await (loaded ??= load());
  return new Map(asked.map((mac) => [mac, vendorIn(table, mac.replaceAll(":", ""))]));
}

function vendorIn({ names, prefixes }: VendorTable, hex: string): string {
  if ((parseInt(hex[1]!, 16) & 2) !== 0) return LOCALLY_ASSIGNED;
  // The longest prefix is the holder's; the shorter ones are of who gave it out.
  for (const { digits, values, names: numbers } of prefixes.toReversed()) {
    const at = find(values, parseInt(hex.slice(0, digits), 16));
    if (at >= 0) return names[numbers[at]!]!;
  }
  return "";
}

function find(values: Float64Array, value: number): number {
  let [low, high] = [0, values.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (values[middle] === value) return middle;
    if (values[middle]! < value) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

async function load(): Promise<VendorTable> {
  const { vendorsCode } = await import("./vendors_code.ts");
  return readTable(brotliDecompressSync(Uint8Array.fromBase64(vendorsCode)));
}

/** Reads the table, see above. */
export function readTable(bytes: Uint8Array): VendorTable {
  const end = bytes.indexOf(0);
  const names = new TextDecoder().decode(bytes.subarray(0, end)).split("\n").slice(0, -1);
  let at = end + 1;
  const varint = () => {
    let value = 0;
    for (let scale = 1;; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const prefixes = digitCounts.map((digits) => {
    const count = varint();
    const values = new Float64Array(count);
    for (let index = 0, last = 0; index < count; index++) values[index] = last += varint();
    return { digits, values, names: Uint16Array.from({ length: count }, varint) };
  });
  return { names, prefixes };
}
