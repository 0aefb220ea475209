/** How well brute force, floods, ARP spoofing, DNS tunnels and beacons are found, and what is taken for them. */
import type { FindingKind } from "../../agent/records.ts";
import { type Section, table } from "../harness.ts";
import { halfOf, type Judged } from "./corpus.ts";
import { attackerAddress, findingOfEvent, rightUnlabelled } from "./expected.ts";

export function otherFindingsSection(
  labelled: readonly Judged[],
  decode: readonly Judged[],
): Section {
  const events = labelled.flatMap(({ file, label, found }) =>
    label!.events.filter(({ kind }) => findingOfEvent[kind] !== undefined).map((event) => {
      const kind = findingOfEvent[event.kind];
      const of = found.findings.filter((finding) => finding.kind === kind);
      const attackers = event.attackers.map(attackerAddress);
      const hit = of.find(({ sources }) => attackers.some((address) => sources.includes(address)));
      return { file, event, kind, hit };
    })
  );
  const benign = labelled.filter(({ label }) => label!.benign && label!.soft === undefined);
  const alarms = benign.filter(hasOther);
  const inDecode = decode.filter(hasOther);
  const wrong = alarms.filter(({ file }) => rightUnlabelled[file] === undefined);
  const foundCount = events.filter(({ hit }) => hit !== undefined).length;
  return {
    title: "Other findings",
    blocks: [
      "An event counts as found when a finding of its kind names an attacker.",
      table(
        ["capture", "half", "event", "found as", "what it said"],
        events.map(({ file, event, kind, hit }) => [
          file.replace("attack/", ""),
          halfOf(file),
          event.kind,
          hit ? kind : "**missed**",
          hit?.reason ?? "",
        ]),
      ),
      alarmText("benign captures", alarms, benign.length),
      alarmText("captures under decode/", inDecode, decode.length),
    ],
    targets: [
      {
        promise: "every labelled event of these kinds found",
        measured: `${foundCount} of ${events.length}`,
        isMet: foundCount === events.length,
      },
      {
        promise: "none on benign captures (soft ones apart)",
        measured: `${wrong.length} of ${benign.length} captures; ${
          alarms.length - wrong.length
        } more is right, by hand`,
        isMet: wrong.length === 0,
      },
    ],
  };
}

function hasOther({ found }: Judged): boolean {
  return found.findings.some(isOther);
}

function isOther({ kind }: { kind: FindingKind }): boolean {
  return kind !== "scan" && kind !== "anomaly";
}

function alarmText(what: string, alarms: readonly Judged[], count: number): string {
  if (alarms.length === 0) return `None of ${count} ${what} gives one.`;
  const mark = (file: string) => file in rightUnlabelled ? " (right, judged by hand)" : "";
  const lines = alarms.map(({ file, found }) =>
    `- ${file}${mark(file)}: ${
      found.findings.filter(isOther).map(({ kind, reason }) => `${kind}: ${reason}`).join(" ")
    }`
  );
  return [`${alarms.length} of ${count} ${what} give one:`, "", ...lines].join("\n");
}
