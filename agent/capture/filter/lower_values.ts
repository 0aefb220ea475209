/** Addresses, networks, ports and protocol numbers: values of one kind with the same words before them are one set. */
import { parseIp } from "../../decode/addresses.ts";
import type { LoadSize } from "./bpf.ts";
import {
  allOf,
  anyOf,
  both,
  compare,
  type Condition,
  either,
  type Field,
  fieldIs,
  fieldTerm,
  not,
  number,
} from "./condition.ts";
import { FilterError, quoted } from "./filter_error.ts";
import type { Layers } from "./layers.ts";
import {
  ETHER_PROTOCOLS,
  EtherType,
  IP_PROTOCOLS,
  type Protocol,
  type Service,
  SERVICES,
} from "./names.ts";
import type { Direction, Expression, Qualifiers } from "./tree.ts";
import { numberOf, type Word } from "./words.ts";

const ipv6Fragment = 44;
/** TCP, UDP, SCTP: what has ports. */
const portProtocols = [6, 17, 132];
const allBits = 0xffffffff;
const lastPort = 65535;

type Value = Extract<Expression, { op: "value" }>;

/** What one value asks for. */
type Wanted =
  | { readonly kind: "ip4"; readonly network: Ip4Network }
  | { readonly kind: "ip6"; readonly network: Ip6Network }
  | { readonly kind: "mac"; readonly bytes: readonly number[] }
  | { readonly kind: "port"; readonly ports: Ports }
  | { readonly kind: "protocol"; readonly number: number };

/** A packet has one of the values. Throws FilterError. */
export function lowerValues(values: readonly Value[], layers: Layers): Condition {
  const sets = new Map<string, { qualifiers: Qualifiers; wanted: Wanted[] }>();
  for (const value of values) {
    const wanted = read(value);
    const { protocol, direction } = value.qualifiers;
    const transports = wanted.kind === "port" ? wanted.ports.transports.join() : "";
    // Both sides of a packet have the same value, not each one of the set.
    const alone = direction === "both" ? sets.size : "";
    const key = [wanted.kind, protocol?.name, direction, transports, alone].join(" ");
    const set = sets.get(key);
    if (set === undefined) sets.set(key, { qualifiers: value.qualifiers, wanted: [wanted] });
    else set.wanted.push(wanted);
  }
  return anyOf([...sets.values()].map((set) => hasOneOf(set, layers)));
}

function read({ qualifiers, word, mask }: Value): Wanted {
  const { type, protocol } = qualifiers;
  if (mask !== null && type !== "net") {
    throw new FilterError(mask.at + 1, "a mask belongs to net");
  }
  if (type === "proto") return { kind: "protocol", number: protocolNumber(protocol, word) };
  if (type === "port" || type === "portrange") {
    return { kind: "port", ports: readPorts(type, protocol, word) };
  }
  switch (word.kind) {
    case "mac":
      if (protocol?.over === "link") return { kind: "mac", bytes: macBytes(word.text) };
      throw new FilterError(word.at + 1, `${quoted(word.text)} is a MAC address: write ether host`);
    case "ip6":
      requireProtocol(protocol, ["ip6"], { word, what: "an IPv6 address" });
      return { kind: "ip6", network: readIp6(word, mask) };
    case "dotted":
    case "number":
      requireProtocol(protocol, ["ip", "arp", "rarp"], { word, what: "an IPv4 address" });
      return { kind: "ip4", network: readIp4(type === "net", word, mask) };
    default:
      throw new FilterError(
        word.at + 1,
        `${quoted(word.text)} is a name, and names are not looked up: give an address`,
      );
  }
}

function requireProtocol(
  protocol: Protocol | null,
  names: readonly string[],
  { word, what }: { word: Word; what: string },
): void {
  if (protocol === null || names.includes(protocol.name)) return;
  throw new FilterError(word.at + 1, `${quoted(protocol.name)} does not go with ${what}`);
}

function hasOneOf(
  { qualifiers, wanted }: { qualifiers: Qualifiers; wanted: readonly Wanted[] },
  layers: Layers,
): Condition {
  const of = <K extends Wanted["kind"]>(kind: K) =>
    wanted.filter((one): one is Extract<Wanted, { kind: K }> => one.kind === kind);
  switch (wanted[0].kind) {
    case "ip4":
      return hasIp4(qualifiers, of("ip4").map(({ network }) => network), layers);
    case "ip6":
      return hasIp6(qualifiers, of("ip6").map(({ network }) => network), layers);
    case "mac":
      return hasMac(qualifiers, of("mac").map(({ bytes }) => bytes), layers);
    case "port":
      return hasPort(qualifiers, of("port").map(({ ports }) => ports), layers);
    case "protocol":
      return hasProtocol(qualifiers, of("protocol").map((one) => one.number), layers);
  }
}

/** An IPv4 network; `bits` is its mask. */
interface Ip4Network {
  readonly address: number;
  readonly bits: number;
}

function readIp4(isNet: boolean, word: Word, mask: Word | null): Ip4Network {
  const network = word.kind === "number" ? numberNetwork(isNet, word.value) : dottedNetwork(word);
  return mask === null ? network : maskedNetwork(network.address, word, mask);
}

/** `net 10` is 10.0.0.0/8. */
function numberNetwork(isNet: boolean, value: number): Ip4Network {
  let address = value;
  let bits = allBits;
  while (isNet && address !== 0 && address >>> 24 === 0) {
    address = address << 8 >>> 0;
    bits = bits << 8 >>> 0;
  }
  return { address, bits };
}

/** As many bytes as are written; those behind them are free. */
function dottedNetwork({ text, at }: Word): Ip4Network {
  const parts = text.split(".").map((part) => numberOf(part, at));
  if (parts.some((part) => part > 255)) {
    throw new FilterError(at + 1, `${quoted(text)} is no IPv4 address`);
  }
  const address = parts.reduce((sum, part) => sum * 256 + part, 0) * 256 ** (4 - parts.length);
  return { address, bits: prefixBits(8 * parts.length) };
}

function maskedNetwork(address: number, word: Word, mask: Word): Ip4Network {
  const isPrefix = mask.kind === "number";
  if (isPrefix && mask.value > 32) {
    throw new FilterError(mask.at + 1, `an IPv4 network has at most 32 bits, not ${mask.value}`);
  }
  const bits = isPrefix ? prefixBits(mask.value) : dottedNetwork(mask).address;
  if ((address & ~bits) !== 0) throw hostBits(word, mask);
  return { address, bits };
}

function prefixBits(length: number): number {
  return length === 0 ? 0 : allBits << (32 - length) >>> 0;
}

function hostBits(word: Word, mask: Word): FilterError {
  const what = mask.kind === "number" ? `/${mask.text}` : `mask ${mask.text}`;
  return new FilterError(
    word.at + 1,
    `${quoted(word.text)} has bits set that are none of its network's (${what})`,
  );
}

function hasIp4(
  { protocol, direction, at }: Qualifiers,
  networks: readonly Ip4Network[],
  layers: Layers,
): Condition {
  // Those of one mask in a row share its load.
  const sorted = networks.toSorted((a, b) => b.bits - a.bits);
  const among = (offset: number) =>
    anyOf(sorted.map(({ address, bits }) => fieldIs(layers.network(offset, 4), address, bits)));
  const within = (etherType: number, source: number, destination: number) => () =>
    both(
      layers.carries(etherType, at),
      ofDirection(direction, { source: among(source), destination: among(destination) }),
    );
  const inIp = within(EtherType.ip, 12, 16);
  const inArp = within(EtherType.arp, 14, 24);
  const inRarp = within(EtherType.rarp, 14, 24);
  switch (protocol?.name) {
    case "ip":
      return inIp();
    case "arp":
      return inArp();
    case "rarp":
      return inRarp();
    default:
      return layers.isInMpls ? inIp() : anyOf([inIp(), inArp(), inRarp()]);
  }
}

/** The four words of an address, each with its mask. */
type Ip6Network = readonly { readonly value: number; readonly bits: number }[];

function readIp6(word: Word, mask: Word | null): Ip6Network {
  const length = mask === null ? 128 : mask.value;
  if (length > 128) {
    throw new FilterError(mask!.at + 1, `an IPv6 network has at most 128 bits, not ${length}`);
  }
  const view = new DataView(parseIp(word.text)!.buffer);
  const words = [0, 1, 2, 3].map((index) => ({
    value: view.getUint32(4 * index),
    bits: prefixBits(Math.min(32, Math.max(0, length - 32 * index))),
  }));
  if (words.some(({ value, bits }) => (value & ~bits) !== 0)) throw hostBits(word, mask!);
  return words;
}

function hasIp6(
  { direction, at }: Qualifiers,
  networks: readonly Ip6Network[],
  layers: Layers,
): Condition {
  const among = (offset: number) =>
    anyOf(
      networks.map((words) =>
        allOf(words.map(({ value, bits }, index) =>
          fieldIs(layers.network(offset + 4 * index, 4), value, bits)
        ))
      ),
    );
  return both(
    layers.carries(EtherType.ip6, at),
    ofDirection(direction, { source: among(8), destination: among(24) }),
  );
}

/** `aa:bb:cc:dd:ee:ff`, also with dashes or dots, `aabb.ccdd.eeff`, `aabbccddeeff`. */
function macBytes(text: string): number[] {
  const parts = text.split(/[:.-]/);
  const bytes = parts.length === 6 ? parts : parts.join("").match(/../g)!;
  return bytes.map((part) => parseInt(part, 16));
}

function hasMac(
  { protocol, direction, at }: Qualifiers,
  addresses: readonly (readonly number[])[],
  layers: Layers,
): Condition {
  layers.requireEthernet(protocol!.name, at);
  const among = (offset: number) => anyOf(addresses.map((bytes) => macIs(layers, offset, bytes)));
  return ofDirection(direction, { source: among(6), destination: among(0) });
}

/** The MAC address at `offset` of the link header. */
export function macIs(layers: Layers, offset: number, bytes: readonly number[]): Condition {
  const [a, b, c, d, e, f] = bytes;
  return both(
    fieldIs(layers.linkHeader(offset + 2, 4), (c << 24 | d << 16 | e << 8 | f) >>> 0),
    fieldIs(layers.linkHeader(offset, 2), a << 8 | b),
  );
}

function protocolNumber(protocol: Protocol | null, word: Word): number {
  const isLink = protocol?.over === "link";
  requireProtocol(isLink ? null : protocol, ["ip", "ip6"], { word, what: "proto" });
  if (word.kind === "number") return word.value;
  const names = isLink ? ETHER_PROTOCOLS : IP_PROTOCOLS;
  const isName = word.kind === "name" || word.kind === "escaped";
  if (isName && Object.hasOwn(names, word.text)) return names[word.text];
  throw new FilterError(
    word.at + 1,
    `${quoted(word.text)} is no protocol that is known here: give its number`,
  );
}

function hasProtocol(
  { protocol, at }: Qualifiers,
  numbers: readonly number[],
  layers: Layers,
): Condition {
  if (protocol?.over === "link") return anyOf(numbers.map((one) => layers.carries(one, at)));
  const over = protocol === null ? "any ip" : protocol.name === "ip" ? "ip" : "ip6";
  return carriesOverIp(over, numbers, { layers, at });
}

/** One of the protocols is carried by IPv4, IPv6, or either; in IPv6 also behind a fragment header. */
export function carriesOverIp(
  over: "ip" | "ip6" | "any ip",
  protocols: readonly number[],
  { layers, at }: { layers: Layers; at: number },
): Condition {
  const among = (field: Field) => anyOf(protocols.map((one) => fieldIs(field, one)));
  const overIp4 = () => both(layers.carries(EtherType.ip, at), among(layers.network(9, 1)));
  const overIp6 = () => {
    const next = layers.network(6, 1);
    const behindFragment = both(fieldIs(next, ipv6Fragment), among(layers.network(40, 1)));
    return both(layers.carries(EtherType.ip6, at), either(among(next), behindFragment));
  };
  if (over === "any ip") return either(overIp4(), overIp6());
  return over === "ip" ? overIp4() : overIp6();
}

/** From and to, both within, of one of the transports. */
interface Ports {
  readonly from: number;
  readonly to: number;
  readonly transports: readonly number[];
}

function readPorts(type: "port" | "portrange", protocol: Protocol | null, word: Word): Ports {
  requireProtocol(protocol, ["tcp", "udp", "sctp"], { word, what: type });
  const [from, to] = type === "port" ? [onePort(word.text, word)] : portRange(word);
  const [low, high] = [from, to ?? from].toSorted((a, b) => a.port - b.port);
  if (high.port > lastPort) {
    throw new FilterError(word.at + 1, `port ${high.port} is above ${lastPort}`);
  }
  const only = low.transport === high.transport ? low.transport : null;
  const given = protocol === null || protocol.over !== "any ip" ? null : protocol.number;
  if (only !== null && given !== null && only !== given) {
    throw new FilterError(word.at + 1, `${quoted(word.text)} is not a port of ${protocol!.name}`);
  }
  const transport = given ?? only;
  return {
    from: low.port,
    to: high.port,
    transports: transport === null ? portProtocols : [transport],
  };
}

/** Names of services hold dashes themselves. */
function portRange(word: Word): Service[] {
  const { text } = word;
  for (let dash = text.indexOf("-"); dash > 0; dash = text.indexOf("-", dash + 1)) {
    const [from, to] = [text.slice(0, dash), text.slice(dash + 1)].map(findPort);
    if (from !== null && to !== null) return [from, to];
  }
  return [onePort(text, word)];
}

function onePort(text: string, word: Word): Service {
  if (word.kind === "number") return { port: word.value, transport: null };
  const found = findPort(text);
  if (found !== null) return found;
  throw new FilterError(
    word.at + 1,
    `${quoted(text)} is no service that is known here: give its port by number`,
  );
}

function findPort(text: string): Service | null {
  if (/^\d{1,9}$/.test(text)) return { port: Number(text), transport: null };
  return SERVICES.get(text) ?? null;
}

function hasPort(
  { direction, at }: Qualifiers,
  wanted: readonly Ports[],
  layers: Layers,
): Condition {
  const { transports } = wanted[0];
  const ofTransports = (field: Field) => anyOf(transports.map((one) => fieldIs(field, one)));
  const among = (place: (offset: number, size: LoadSize) => Field) =>
    ofDirection(direction, {
      source: anyOf(wanted.map((ports) => isWithin(place(0, 2), ports))),
      destination: anyOf(wanted.map((ports) => isWithin(place(2, 2), ports))),
    });
  const inIp6 = allOf([
    layers.carries(EtherType.ip6, at),
    ofTransports(layers.network(6, 1)),
    among((offset, size) => layers.transport6(offset, size)),
  ]);
  const inIp4 = allOf([
    layers.carries(EtherType.ip, at),
    ofTransports(layers.network(9, 1)),
    layers.isFirstFragment(),
    among((offset, size) => layers.transport(offset, size)),
  ]);
  return either(inIp6, inIp4);
}

function isWithin(field: Field, { from, to }: Ports): Condition {
  if (from === to) return fieldIs(field, from);
  return both(
    compare(fieldTerm(field), ">=", number(from)),
    not(compare(fieldTerm(field), ">", number(to))),
  );
}

function ofDirection(
  direction: Direction | null,
  { source, destination }: { source: Condition; destination: Condition },
): Condition {
  switch (direction) {
    case "source":
      return source;
    case "destination":
      return destination;
    case "both":
      return both(source, destination);
    default:
      return either(source, destination);
  }
}
