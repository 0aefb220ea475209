/** Packets of hosts that scan one after the other, and of connections that nobody finds fault with. */
import { TcpFlag, tcpFrame } from "./detection/frames.ts";

/** As pcapFile() takes it. */
interface TimedFrame {
  readonly seconds: number;
  readonly nanosecond: number;
  readonly data: Uint8Array;
}

export interface Scans {
  readonly scanners: number;
  /** Each refuses after a millisecond. */
  readonly portsEach: number;
  readonly secondsBetween: number;
}

/** Address of the scanner with that number, from 0. */
export function scannerAddress(scanner: number): string {
  return `10.99.0.${scanner + 1}`;
}

/** One scanner after the other probes closed ports of 10.98.0.1. */
export function scanPackets({ scanners, portsEach, secondsBetween }: Scans): TimedFrame[] {
  const packets = [];
  for (let scanner = 0; scanner < scanners; scanner++) {
    const there = { source: scannerAddress(scanner), destination: "10.98.0.1" };
    for (let port = 1; port <= portsEach; port++) {
      const ports = { sourcePort: 40_000 + port, destinationPort: port };
      const atS = scanner * secondsBetween + port * 0.005;
      packets.push(
        at(atS, tcpFrame(there, ports, { flags: TcpFlag.syn })),
        at(
          atS + 0.001,
          tcpFrame(turned(there), turnedPorts(ports), { flags: TcpFlag.rst | TcpFlag.ack }),
        ),
      );
    }
  }
  return packets;
}

/** Data packets of a connection, each way in turn. */
const dataPackets = 20;
export const packetsPerConnection = dataPackets + 5;

/** Whole connections of 200 clients to 20 servers of the same network, opened, answered and closed. */
export function usualPackets(connections: number): TimedFrame[] {
  const packets: TimedFrame[] = [];
  for (let index = 0; index < connections; index++) {
    const client = index % 200;
    const there = {
      source: `10.20.0.${client + 1}`,
      destination: `10.30.0.${client % 20 + 1}`,
    };
    const ports = { sourcePort: 20_000 + index, destinationPort: 443 };
    let atS = index / connections;
    const send = (isBack: boolean, flags: number, sequence: number, payload = 0) => {
      const ends = isBack ? turned(there) : there;
      const way = isBack ? turnedPorts(ports) : ports;
      packets.push(at(atS += 1e-6, tcpFrame(ends, way, { flags, sequence, payload })));
    };
    send(false, TcpFlag.syn, 1000);
    send(true, TcpFlag.syn | TcpFlag.ack, 1000);
    send(false, TcpFlag.ack, 1001);
    const sequences = [1001, 1001];
    for (let data = 0; data < dataPackets; data++) {
      const side = data % 2;
      const payload = side === 0 ? 120 : 900;
      send(side === 1, TcpFlag.ack | TcpFlag.psh, sequences[side]!, payload);
      sequences[side] = sequences[side]! + payload;
    }
    send(false, TcpFlag.fin | TcpFlag.ack, sequences[0]!);
    send(true, TcpFlag.fin | TcpFlag.ack, sequences[1]!);
  }
  return packets;
}

function turned({ source, destination }: { source: string; destination: string }) {
  return { source: destination, destination: source };
}

function turnedPorts(ports: { sourcePort: number; destinationPort: number }) {
  return { sourcePort: ports.destinationPort, destinationPort: ports.sourcePort };
}

function at(atS: number, data: Uint8Array): TimedFrame {
  const seconds = Math.floor(atS);
  return { seconds: 1_700_000_000 + seconds, nanosecond: Math.round((atS - seconds) * 1e9), data };
}
