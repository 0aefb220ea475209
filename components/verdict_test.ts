import assert from "node:assert/strict";
import { LiveState } from "../agent/live_state.ts";
import type { CaptureSourceState, PipelineSnapshot } from "../agent/records.ts";
import type { LiveMessage, SensorInfo } from "./live_message.ts";
import { dropPercent, judge, waitingBuffers } from "./verdict.ts";

const sensor: SensorInfo = {
  hostname: "edge-tap-01",
  zone: "UTC",
  replay: { file: "/captures/demo.pcap", speed: 10 },
  resultsFolder: "results",
  loopbackNote: "",
};

function source(change: Partial<CaptureSourceState> = {}): CaptureSourceState {
  return {
    interfaceId: 0,
    name: "enp3s0",
    state: "capturing",
    detail: "capturing by libpcap, promiscuous",
    linktype: 1,
    isPromiscuous: true,
    packets: 0,
    received: 0,
    kernelDrops: 0,
    interfaceDrops: 0,
    queueDrops: 0,
    queueDepth: 0,
    queueMax: 8,
    ...change,
  };
}

interface Situation {
  readonly sources?: readonly CaptureSourceState[];
  readonly packets?: number;
  readonly snapshot?: Partial<PipelineSnapshot>;
  readonly recentDrops?: number;
  readonly change?: (live: LiveState) => void;
  readonly mode?: "live" | "replay";
}

const macsec = {
  layer: "ethernet",
  reason: "unsupported",
  name: "MACsec",
  packets: 5,
  unread: 5,
} as const;

function messageOf(
  { sources = [source()], packets = 10, snapshot: shown, change, mode = "live" }: Situation,
) {
  const live = new LiveState(mode);
  for (const each of sources) live.setSource(each);
  live.detectionOwn = { ...live.detectionOwn, state: "ready" };
  change?.(live);
  const snapshot = { packets, tsUs: 1e15, ...shown } as PipelineSnapshot;
  live.snapshot = snapshot;
  const message: LiveMessage = {
    nowUs: live.startedAtUs + 60e6,
    seconds: [],
    snapshot,
    health: live.health(),
  };
  return message;
}

const cases: readonly [string, Situation, string, readonly string[]][] = [
  ["good capture", {}, "Capturing without loss", []],
  ["nothing open", { sources: [] }, "Opening the interface", []],
  ["no packet", { packets: 0 }, "Waiting for the first packet", []],
  [
    "old loss",
    { sources: [source({ kernelDrops: 10 })], packets: 990 },
    "Capturing, 1.00 % lost",
    [],
  ],
  [
    "loss that goes on",
    { sources: [source({ kernelDrops: 10 })], recentDrops: 3 },
    "1 thing needs a look",
    ["Packets are being lost"],
  ],
  [
    "the only device gone",
    { sources: [source({ state: "retrying", detail: "device gone" })] },
    "Not capturing",
    ["enp3s0 cannot be read"],
  ],
  [
    "one device of two gone",
    { sources: [source(), source({ interfaceId: 1, name: "wg0", state: "failed" })] },
    "1 thing needs a look",
    ["Not capturing from wg0"],
  ],
  [
    "a failing database besides a slow decoder",
    {
      change: (live) => {
        live.behindS = 7;
        live.store = { ...live.store, state: "failed", detail: "disk full" };
      },
    },
    "2 things need a look",
    ["The database is not being written", "Behind by 7 s"],
  ],
  [
    "half of the packets not read",
    { packets: 10, snapshot: { unreadPackets: 5, decodeStopList: [macsec] } },
    "5 of 10 packets could not be read (MACsec)",
    ["5 of 10 packets could not be read (MACsec)"],
  ],
  [
    "detection that is off for long",
    { change: (live) => live.detectionOwn = { ...live.detectionOwn, state: "off" } },
    "Detection was not running, so nothing was looked for in 10 packets",
    ["Detection was not running, so nothing was looked for in 10 packets"],
  ],
  [
    "shed observations and rows, and a lost device",
    {
      snapshot: { observationsShed: 5, packetRowsShed: 6 },
      sources: [source(), source({ interfaceId: 1, name: "wg0", state: "failed" })],
    },
    "3 things need a look",
    [
      "Not capturing from wg0",
      "Detection left out 5 of 5 observations, for which it had no time",
      "6 rows are missing from the database, for which it had no time",
    ],
  ],
  ["a replay", { mode: "replay" }, "Replaying demo.pcap", []],
  [
    "a finished replay of nothing",
    { mode: "replay", packets: 0, sources: [source({ state: "finished" })] },
    "The capture holds no packet, so there was nothing to look at",
    ["The capture holds no packet, so there was nothing to look at"],
  ],
  [
    "a finished replay",
    { mode: "replay", sources: [source({ state: "finished" })] },
    "Replay of demo.pcap has finished",
    [],
  ],
];

for (const [name, situation, title, problems] of cases) {
  Deno.test(`${name} is told as "${title}"`, () => {
    const verdict = judge(messageOf(situation), sensor, situation.recentDrops ?? 0);
    assert.equal(verdict.title.replaceAll("\u00a0", " "), title);
    assert.deepEqual(
      verdict.problems.map((problem) => problem.title.replaceAll("\u00a0", " ")),
      problems,
    );
  });
}

Deno.test("the share of lost packets counts them among all", () => {
  assert.equal(
    dropPercent(messageOf({ sources: [source({ queueDrops: 50 })], packets: 50 })),
    "50.0",
  );
});

Deno.test("a source that has ended waits for no buffer, whatever it said last", () => {
  const running = source({ queueDepth: 3 });
  const ended = source({ state: "finished", queueDepth: 1 });
  assert.equal(waitingBuffers([running, ended]), 3);
});
