/**
 * Mutes: kind × source × destination × port, any of them any, until a time. A mute holds an alert back only if all that it is
 * about lies within the mute: an incident that has grown beyond is told.
 */
import {
  isInNetwork,
  type Network,
  parseIpWords,
  parseMac,
  parseNetwork,
} from "../decode/addresses.ts";
import { FINDING_KINDS, type Incident, type Mute } from "../records.ts";
import { includesPorts, parsePorts, type PortRange } from "./port_ranges.ts";

/** What an alert is about, as mutes see it. */
export interface MuteScope {
  /** Kinds of the findings that are its causes; the kind of the alert where it is about no incident. */
  readonly kinds: readonly string[];
  readonly sources: readonly string[];
  /** Sources and targets beyond those listed cannot be within a mute that names some. */
  readonly sourceCount: number;
  readonly targets: readonly string[];
  readonly targetCount: number;
  /** As findings write them; "" of those without ports. */
  readonly ports: readonly string[];
}

/** The first mute that holds all of `scope` at this time; null when it is to be told. */
export function findMute(mutes: readonly Mute[], scope: MuteScope, nowUs: number): Mute | null {
  return mutes.find((mute) => isInForce(mute, nowUs) && holds(mute, scope)) ?? null;
}

export function isInForce({ untilUs }: Mute, nowUs: number): boolean {
  return untilUs === null || nowUs < untilUs;
}

/** Whether all of `scope` lies within the mute, whenever that holds. */
export function holds(mute: Mute, scope: MuteScope): boolean {
  return holdsKinds(mute.kind, scope.kinds) &&
    holdsAddresses(mute.source, scope.sources, scope.sourceCount) &&
    holdsAddresses(mute.destination, scope.targets, scope.targetCount) &&
    holdsPorts(mute.port, scope.ports);
}

/** What a mute may name as kind. */
export const MUTABLE_KINDS: readonly string[] = [...FINDING_KINDS, "anomaly_rate", "health"];

/** What a person typed for a new mute, checked; throws RangeError with what is wrong and what is allowed. */
export function checkMute(
  { kind, source, destination, port }: Pick<Mute, "kind" | "source" | "destination" | "port">,
): void {
  if (kind !== "" && !MUTABLE_KINDS.includes(kind)) {
    throw new RangeError(
      `kind must be one of ${MUTABLE_KINDS.join(", ")}, or empty, got ${JSON.stringify(kind)}`,
    );
  }
  for (const [name, text] of [["source", source], ["destination", destination]] as const) {
    if (text !== "" && parseNetwork(text) === null && parseMac(text) === null) {
      throw new RangeError(
        `${name} must be an address, a network as 10.0.0.0/8, or empty, got ${
          JSON.stringify(text)
        }`,
      );
    }
  }
  parsePorts(port);
  if (kind === "" && source === "" && destination === "" && port === "") {
    throw new RangeError("a mute must name a kind, a source, a destination or a port");
  }
}

function holdsKinds(kind: string, kinds: readonly string[]): boolean {
  return kind === "" || kinds.length > 0 && kinds.every((each) => each === kind);
}

function holdsAddresses(text: string, addresses: readonly string[], count: number): boolean {
  if (text === "") return true;
  if (addresses.length === 0 || count > addresses.length) return false;
  const network = parseNetwork(text);
  return addresses.every((address) =>
    network === null ? address === text.toLowerCase() : includes(network, address)
  );
}

function includes(network: Network, address: string): boolean {
  const words = parseIpWords(address);
  return words !== null && isInNetwork(network, ...words);
}

function holdsPorts(text: string, ports: readonly string[]): boolean {
  if (text === "") return true;
  const outer = parsePorts(text);
  const inner = ports.map(portsOrNull);
  return inner.length > 0 &&
    inner.every((ranges) => ranges !== null && ranges.length > 0 && includesPorts(outer, ranges));
}

function portsOrNull(text: string): PortRange[] | null {
  try {
    return parsePorts(text);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Sources and targets of an incident as mutes see them; kinds and ports come from its findings. */
export function scopeOf(
  incident: Incident,
  { kinds, ports }: Pick<MuteScope, "kinds" | "ports">,
): MuteScope {
  const { sources, sourceCount, targets, targetCount } = incident;
  return { kinds, ports, sources, sourceCount, targets, targetCount };
}
