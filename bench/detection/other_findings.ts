/** How well brute force, floods, ARP spoofing, DNS tunnels and beacons are found, and what is taken for them. */
import type { FindingKind } from "../../agent/records.ts";
import { type Section, table } from "../harness.ts";
import { halfOf, type Judged } from "./corpus.ts";

/** What an event of a label is to be found as. */
const expectedKind: Readonly<Record<string, FindingKind>> = {
  beacon: "beacon",
  c2_beacon_simulated: "beacon",
  arp_spoof: "arp_spoof",
  ssh_bruteforce: "brute_force",
  ftp_bruteforce: "brute_force",
  dns_tunnel: "dns_tunnel",
  dns_tunnel_simulated: "dns_tunnel",
  syn_flood: "flood",
  udp_flood: "flood",
  icmp_flood: "flood",
  icmpv6_flood: "flood",
};

export function otherFindingsSection(
  labelled: readonly Judged[],
  decode: readonly Judged[],
): Section {
  const events = labelled.flatMap(({ file, label, found }) =>
    label!.events.filter(({ kind }) => expectedKind[kind] !== undefined).map((event) => {
      const kind = expectedKind[event.kind];
      const of = found.findings.filter((finding) => finding.kind === kind);
      const addresses = (event.attackers ?? []).concat(event.victims ?? []);
      const hit = of.find((finding) =>
        addresses.some((address) =>
          finding.sources.includes(address) || finding.targets.includes(address)
        )
      );
      return { file, event, kind, hit };
    })
  );
  const benign = labelled.filter(({ label }) => label!.benign && label!.soft === undefined);
  const alarms = benign.filter(({ found }) => found.findings.some(isOther));
  const inDecode = decode.filter(({ found }) => found.findings.some(isOther));
  const foundCount = events.filter(({ hit }) => hit !== undefined).length;
  return {
    title: "Other findings",
    blocks: [
      "An event counts as found when a finding of its kind names one of its hosts.",
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
        measured: `${alarms.length} of ${benign.length} captures`,
        isMet: alarms.length === 0,
      },
    ],
  };
}

function isOther({ kind }: { kind: FindingKind }): boolean {
  return kind !== "scan" && kind !== "anomaly";
}

function alarmText(what: string, alarms: readonly Judged[], count: number): string {
  if (alarms.length === 0) return `None of ${count} ${what} gives one.`;
  const lines = alarms.map(({ file, found }) =>
    `- ${file}: ${
      found.findings.filter(isOther).map(({ kind, reason }) => `${kind}: ${reason}`).join(" ")
    }`
  );
  return [`${alarms.length} of ${count} ${what} give one:`, "", ...lines].join("\n");
}
