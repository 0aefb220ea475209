/** Makes MMDB files for tests (MaxMind DB format 2.0). */
import { parseIpWords } from "../decode/addresses.ts";

export type Value = string | number | { readonly [key: string]: Value };
/** A network, as "192.0.2.0/24", and what is said of it. */
export type Entry = readonly [network: string, data: Value];

interface Options {
  readonly recordSize?: 24 | 28 | 32;
  readonly ipVersion?: 4 | 6;
  readonly type?: string;
  /** When it was made, seconds since 1970. */
  readonly builtS?: number;
}

type Node = [left: Branch, right: Branch];
type Branch = Node | { readonly offset: number } | null;

export function makeMmdb(
  entries: readonly Entry[],
  { recordSize = 24, ipVersion = 6, type = "Test", builtS = 1_790_000_000 }: Options = {},
): Uint8Array {
  const root: Node = [null, null];
  const data: number[] = [];
  for (const [network, value] of entries) {
    const offset = data.length;
    data.push(...encode(value));
    insert(root, bitsOf(network, ipVersion), { offset });
  }
  const nodes = numbered(root);
  const tree = nodes.flatMap((node) =>
    record(node.map((branch) => pointer(branch, nodes)) as [number, number], recordSize)
  );
  const metadata = encode({
    node_count: nodes.length,
    record_size: recordSize,
    ip_version: ipVersion,
    database_type: type,
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: builtS,
    description: {},
  });
  const marker = [0xab, 0xcd, 0xef, ...new TextEncoder().encode("MaxMind.com")];
  return new Uint8Array([...tree, ...new Array(16).fill(0), ...data, ...marker, ...metadata]);
}

export function shared(bytes: Uint8Array): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}

/** IPv4 lies below ::/96 of a tree of IPv6. */
function bitsOf(network: string, ipVersion: 4 | 6): number[] {
  const [address, length] = network.split("/");
  const words = parseIpWords(address!)!;
  const isIpv4 = !address!.includes(":");
  const bits = words.flatMap((word) =>
    Array.from({ length: 32 }, (_, bit) => word >>> 31 - bit & 1)
  );
  if (!isIpv4) return bits.slice(0, Number(length));
  const own = bits.slice(96, 96 + Number(length));
  return ipVersion === 4 ? own : [...new Array(96).fill(0), ...own];
}

function insert(root: Node, bits: readonly number[], leaf: Branch): void {
  let node = root;
  for (const bit of bits.slice(0, -1)) {
    const next = node[bit];
    node = node[bit] = Array.isArray(next) ? next : [next ?? null, next ?? null];
  }
  node[bits.at(-1)!] = leaf;
}

function numbered(root: Node): Node[] {
  const nodes = [root];
  for (let at = 0; at < nodes.length; at++) {
    for (const branch of nodes[at]!) if (Array.isArray(branch)) nodes.push(branch);
  }
  return nodes;
}

function pointer(branch: Branch, nodes: readonly Node[]): number {
  if (branch === null) return nodes.length;
  return Array.isArray(branch) ? nodes.indexOf(branch) : nodes.length + 16 + branch.offset;
}

function record([left, right]: [number, number], size: 24 | 28 | 32): number[] {
  const low = (value: number) => [value >>> 16 & 255, value >>> 8 & 255, value & 255];
  if (size === 24) return [...low(left), ...low(right)];
  if (size === 32) return [left >>> 24, ...low(left), right >>> 24, ...low(right)];
  return [...low(left), (left >>> 24 & 15) << 4 | right >>> 24 & 15, ...low(right)];
}

function encode(value: Value): number[] {
  if (typeof value === "string") {
    const bytes = new TextEncoder().encode(value);
    return [...control(2, bytes.length), ...bytes];
  }
  if (typeof value === "number") {
    return [...control(6, 4), ...[24, 16, 8, 0].map((shift) => value >>> shift & 255)];
  }
  const pairs = Object.entries(value);
  return [
    ...control(7, pairs.length),
    ...pairs.flatMap(([key, item]) => [...encode(key), ...encode(item)]),
  ];
}

function control(type: number, size: number): number[] {
  if (size < 29) return [type << 5 | size];
  if (size < 285) return [type << 5 | 29, size - 29];
  return [type << 5 | 30, size - 285 >> 8, size - 285 & 255];
}
