/** Uploads to somebody new, as frames through the whole path. */
import { deepEqual, equal, match } from "node:assert/strict";
import { Exfiltration } from "../agent/detect/exfiltration/exfiltration.ts";
import type { Finding } from "../agent/records.ts";
import { TcpFlag, tcpFrame } from "../bench/detection/frames.ts";
import type { TimedFrame } from "../bench/detection/own_captures.ts";
import { detectInFrames } from "./detect_in_file.ts";

const camera = "192.168.1.57";
const cloud = "203.0.113.10";
const stranger = "198.51.100.77";
const segmentBytes = 20_000;
const { syn, ack, psh, fin } = TcpFlag;
let lastPort = 40_000;

interface Talk {
  readonly atS: number;
  readonly bytes: number;
  readonly to?: string;
  readonly lastsS?: number;
  /** Left open. */
  readonly isOpen?: boolean;
}

/** A connection of the camera that sends so many bytes. */
function talk({ atS, bytes, to = cloud, lastsS = 1, isOpen = false }: Talk): TimedFrame[] {
  const up = { source: camera, destination: to };
  const down = { source: to, destination: camera };
  const ports = { sourcePort: ++lastPort, destinationPort: 443 };
  const back = { sourcePort: 443, destinationPort: ports.sourcePort };
  const count = Math.ceil(bytes / segmentBytes);
  const data = Array.from({ length: count }, (_, index) => {
    const payload = Math.min(segmentBytes, bytes - index * segmentBytes);
    const sequence = 1001 + index * segmentBytes;
    return {
      atS: atS + 0.1 + lastsS * index / count,
      frame: tcpFrame(up, ports, { flags: ack | psh, sequence, payload }),
    };
  });
  const end = atS + 0.2 + lastsS;
  return [
    { atS, frame: tcpFrame(up, ports, { flags: syn }) },
    { atS: atS + 0.02, frame: tcpFrame(down, back, { flags: syn | ack, sequence: 1 }) },
    { atS: atS + 0.04, frame: tcpFrame(up, ports, { flags: ack, sequence: 1001 }) },
    ...data,
    { atS: end, frame: tcpFrame(down, back, { flags: ack | psh, sequence: 2, payload: 100 }) },
    ...(isOpen ? [] : [
      { atS: end + 0.1, frame: tcpFrame(up, ports, { flags: ack | fin, sequence: 1001 + bytes }) },
      { atS: end + 0.2, frame: tcpFrame(down, back, { flags: ack | fin, sequence: 102 }) },
    ]),
  ];
}

/** 40 kB a minute, in a connection each or in a single one. */
function usual(minutes: number, isOneFlow: boolean): TimedFrame[] {
  if (isOneFlow) return talk({ atS: 0, bytes: 40_000 * minutes, lastsS: 60 * minutes });
  return Array.from({ length: minutes }, (_, minute) => talk({ atS: minute * 60, bytes: 40_000 }))
    .flat();
}

function found(frames: readonly TimedFrame[]): readonly Finding[] {
  return detectInFrames(frames.toSorted((a, b) => a.atS - b.atS), {
    detectors: [(context) => new Exfiltration(context)],
  }).findings;
}

for (const isOneFlow of [false, true]) {
  for (const upload of [{ lastsS: 20 }, { lastsS: 400 }, { lastsS: 90, isOpen: true }]) {
    const what = `${JSON.stringify(upload)}, ${isOneFlow ? "one flow" : "many flows"} before`;
    Deno.test(`25 MB of a camera to an address never met are found: ${what}`, () => {
      const frames = [
        ...usual(30, isOneFlow),
        ...talk({ atS: 1500, bytes: 25e6, to: stranger, ...upload }),
      ];
      const [finding, ...others] = found(frames);
      equal(others.length, 0);
      deepEqual([finding!.sources, finding!.targets], [[camera], [stranger]]);
      match(finding!.reason, /^192\.168\.1\.57 sent 2\d MB to 198\.51\.100\.77 within /);
    });
  }
}

Deno.test("the same to the address that it always talks to is no finding of this kind", () => {
  deepEqual(found([...usual(30, false), ...talk({ atS: 1500, bytes: 25e6, lastsS: 20 })]), []);
});
