/** UDP ports by which tunnels are told, if what comes to them looks like it. */
import { Step } from "./step.ts";

const PORTS = 65_536;
/** The tunnel's packets may as well come from the port. */
const EITHER_END = 0x80;

/** Linux's default, and so that of flannel, k3s and Cilium, is 8472; IANA's port is 4789. */
const VXLAN_PORTS = [4789, 8472];
const OTHERS: readonly (readonly [number, number])[] = [
  [1701, Step.l2tp | EITHER_END],
  [2152, Step.gtpU | EITHER_END],
  [3544, Step.teredo | EITHER_END],
  [4341, Step.lisp],
  [4790, Step.vxlan],
  [6081, Step.geneve],
  [6635, Step.mplsInUdp],
  [37_008, Step.tzsp],
];

/** By port, what stepOfPorts() reads; 0 where there is no tunnel. `vxlanPorts` are more ports of VXLAN. */
export function tunnelPorts(vxlanPorts: readonly number[] = []): Uint8Array {
  const table = new Uint8Array(PORTS);
  for (const [port, entry] of OTHERS) table[port] = entry;
  for (const port of [...VXLAN_PORTS, ...vxlanPorts]) table[port] = Step.vxlan;
  return table;
}

/** Without more ports of VXLAN. */
export const TUNNEL_PORTS: Uint8Array = tunnelPorts();

/** The step for a datagram between two ports; Step.done when it is no tunnel's. */
export function stepOfPorts(table: Uint8Array, source: number, destination: number): number {
  if (table[destination] !== 0) return table[destination] & ~EITHER_END;
  return (table[source] & EITHER_END) !== 0 ? table[source] & ~EITHER_END : Step.done;
}
