import { doesNotMatch, match, strictEqual } from "node:assert/strict";
import { LiveState } from "../live_state.ts";
import type {
  CaptureSourceState,
  EveState,
  PipelineSnapshot,
  RecorderState,
  StoreState,
} from "../records.ts";
import { tally } from "./tally.ts";

interface Run {
  readonly captured?: number;
  readonly queueDrops?: number;
  readonly decoded?: number;
  readonly recorder?: Partial<RecorderState>;
  readonly store?: Partial<StoreState>;
  readonly eve?: Partial<EveState>;
  readonly hasGivenUp?: boolean;
}

function lineOf({ captured = 5, queueDrops = 0, decoded = 5, ...rest }: Run): string {
  const live = new LiveState("live");
  live.setSource({ interfaceId: 0, ...zeros, packets: captured, queueDrops } as CaptureSourceState);
  live.snapshot = { packets: decoded } as PipelineSnapshot;
  live.recorder = { ...live.recorder, packetsWritten: 5, ...rest.recorder };
  live.store = { ...live.store, rowsWritten: 9, ...rest.store };
  live.eve = { ...live.eve, ...rest.eve };
  return tally(live, rest.hasGivenUp ?? false);
}
const zeros = { kernelDrops: 0, interfaceDrops: 0 };

Deno.test("the last line says that nothing was lost when nothing was", () => {
  strictEqual(
    lineOf({}),
    "5 packets seen, 5 written to capture files, 9 rows to the database, 0 findings; nothing was lost.",
  );
});

const losses: readonly [string, Run, RegExp][] = [
  ["drops", { queueDrops: 2, captured: 7 }, /; lost: queue 2\.$/],
  [
    "packets that were captured and not decoded",
    { captured: 916_060, decoded: 897_332 },
    /^916,060 packets seen, .*; lost: undecoded 18,728\.$/,
  ],
  [
    "what was given up at the end",
    { hasGivenUp: true },
    /; lost: what was in flight at the end, which is not counted\.$/,
  ],
  ["lines of the EVE log", { eve: { linesLost: 4 } }, /; lost: eve 4\.$/],
  ["rows lost", { store: { rowsLost: 3 } }, /; lost: store 3\.$/],
  [
    "findings that retention removed",
    { store: { rowsRemoved: 1200, findingsRemoved: 6 } },
    /; nothing was lost on the way; --retention-days and --retention-mb removed 1,200 old rows \(6 findings among them\)\.$/,
  ],
  [
    "capture files that were overwritten",
    { recorder: { bytesWritten: 100, sizeBytes: 40, files: 2 } },
    /; nothing was lost on the way; older packets in the capture files were overwritten by --pcap-files\.$/,
  ],
];

for (const [name, run, text] of losses) {
  Deno.test(`the last line tells of ${name}`, () => {
    match(lineOf(run), text);
    doesNotMatch(lineOf(run), /nothing was lost\./);
  });
}
