/** Scans and scan-like traffic that no labelled capture has, through the whole path. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ownCaptures } from "../bench/detection/own_captures.ts";
import { detectInFrames } from "./detect_in_file.ts";

for (const { name, frames, expected } of ownCaptures()) {
  Deno.test(`Detection of: ${name}`, () => {
    const scans = detectInFrames(frames).findings.filter(({ kind }) => kind === "scan");
    if (expected === null) {
      deepStrictEqual(scans.map(({ reason }) => reason), []);
      return;
    }
    const found = scans.find(({ scan }) =>
      scan!.kind === expected.kind && scan!.probe === expected.probe
    );
    ok(found, `found ${JSON.stringify(scans.map(({ reason }) => reason))}`);
    for (const source of expected.sources) strictEqual(found.sources.includes(source), true);
  });
}
