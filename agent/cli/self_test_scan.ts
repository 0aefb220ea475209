/**
 * The scan of `tapwatch self-test`, as a capture file: TCP SYN from one host to 20 ports of 12 others within two seconds, each
 * refused but for ssh, which answers. Addresses are those of documentation (RFC 5737), which nobody has: the mark of the test.
 */

/** Who scans, and the network that is scanned. */
export const scanSource = "192.0.2.66";
export const scanNetwork = "198.51.100.0/24";

const hostCount = 12;
const ports = [22, 21, 23, 25, 80, 110, 111, 135, 139, 143, 443, 445, 993, 995, 1433, 3306, 3389]
  .concat(5432, 8080, 8443);
const openPort = 22;
const probesPerSecond = 120;
/** Quiet after the scan, in which what is pending is judged as on a live link. */
const tailS = 2;
const answerUs = 400;
const tcp = { syn: 0x02, rst: 0x04, ack: 0x10 } as const;
const frameBytes = 14 + 20 + 20;
const recordBytes = 16 + frameBytes;

interface Segment {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly fromPort: number;
  readonly toPort: number;
  readonly flags: number;
}

/** Bytes of a pcap file (microseconds, little-endian, Ethernet) whose first packet is at `startUs`. */
export function selfTestCapture(startUs: number): Uint8Array<ArrayBuffer> {
  const records: { readonly timeUs: number; readonly segment: Segment }[] = [];
  const scanner = bytesOf(scanSource);
  for (let index = 0; index < hostCount * ports.length; index++) {
    const host = bytesOf(scanNetwork.replace(/0\/24$/, String(10 + index % hostCount)));
    const port = ports[Math.floor(index / hostCount)]!;
    const timeUs = startUs + Math.round(index * 1e6 / probesPerSecond);
    const fromPort = 40_000 + index;
    const probe = { from: scanner, to: host, fromPort, toPort: port, flags: tcp.syn };
    const flags = port === openPort ? tcp.syn | tcp.ack : tcp.rst | tcp.ack;
    const answer = { from: host, to: scanner, fromPort: port, toPort: fromPort, flags };
    records.push({ timeUs, segment: probe }, { timeUs: timeUs + answerUs, segment: answer });
  }
  // Time goes on for the detectors: what another host says.
  const [one, other] = [bytesOf("198.51.100.200"), bytesOf("198.51.100.201")];
  const last = records.at(-1)!.timeUs;
  for (let step = 1; step <= tailS * 4; step++) {
    const segment = { from: one, to: other, fromPort: 50_000, toPort: 443, flags: tcp.ack };
    records.push({ timeUs: last + step * 250_000, segment });
  }
  return pcapOf(records);
}

function bytesOf(address: string): number[] {
  return address.split(".").map(Number);
}

function pcapOf(
  records: readonly { readonly timeUs: number; readonly segment: Segment }[],
): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(24 + records.length * recordBytes);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0xa1b2c3d4, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, 65_535, true);
  view.setUint32(20, 1, true);
  let at = 24;
  for (const { timeUs, segment } of records) {
    view.setUint32(at, Math.floor(timeUs / 1e6), true);
    view.setUint32(at + 4, timeUs % 1e6, true);
    view.setUint32(at + 8, frameBytes, true);
    view.setUint32(at + 12, frameBytes, true);
    writeFrame(new DataView(file.buffer, at + 16, frameBytes), segment);
    at += recordBytes;
  }
  return file;
}

/** Ethernet, IPv4 (RFC 791) and TCP (RFC 9293) without options; MAC addresses are local ones made of the address. */
function writeFrame(frame: DataView, { from, to, fromPort, toPort, flags }: Segment): void {
  const bytes = new Uint8Array(frame.buffer, frame.byteOffset, frameBytes);
  bytes.set([0x02, 0x00, ...to], 0);
  bytes.set([0x02, 0x00, ...from], 6);
  frame.setUint16(12, 0x0800);
  bytes.set([0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, ...from, ...to], 14);
  frame.setUint16(24, checksum(bytes.subarray(14, 34)));
  frame.setUint16(34, fromPort);
  frame.setUint16(36, toPort);
  frame.setUint32(38, flags & tcp.syn ? 1_000_000 + fromPort : 0);
  frame.setUint32(42, flags & tcp.ack ? 1_000_001 + toPort : 0);
  bytes.set([0x50, flags, 0x04, 0x00], 46);
  const pseudo = [...from, ...to, 0, 6, 0, 20];
  frame.setUint16(50, checksum(new Uint8Array([...pseudo, ...bytes.subarray(34)])));
}

/** Of an even number of bytes, RFC 1071. */
function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! << 8 | bytes[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
