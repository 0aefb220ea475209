import { match, strictEqual } from "node:assert/strict";
import { Beacon } from "../detect/beacon/beacon.ts";
import { opened, TrafficScript } from "../detect/testing/traffic_script.ts";
import type { Finding, FlowProcess, ScanDetails } from "../records.ts";
import { withProcess } from "../text/processes.ts";
import { ProcessContacts } from "./process_contacts.ts";

const nmap = person(50, "nmap", "bob");
const firefox = person(60, "firefox", "alice");
const startUs = 1_700_000_000_000_000;

function person(pid: number, name: string, user: string): FlowProcess {
  return { pid, name, user, executable: "", command: "", unit: "" };
}

function contactsOf(
  made: readonly (readonly [process: FlowProcess, remote: string, port: number])[],
  atUs = startUs,
): ProcessContacts {
  const contacts = new ProcessContacts();
  for (const [process, remote, port] of made) {
    const contact = { local: "10.0.0.1", remote, port, process: 0 };
    contacts.take({ type: "contacts", processes: [process], contacts: [contact] }, atUs);
  }
  return contacts;
}

const finding = (changes: Partial<Finding>): Finding => ({
  id: 1,
  kind: "beacon",
  severity: "medium",
  attackId: "",
  sources: ["10.0.0.1"],
  sourceCount: 1,
  targets: ["192.0.2.9"],
  targetCount: 1,
  firstUs: startUs,
  lastUs: startUs,
  detectedUs: startUs,
  confidence: 1,
  reason: "",
  isOpen: true,
  flowIds: [],
  amount: 1,
  ...changes,
});

Deno.test("ProcessContacts names who began what a finding is about, by target and port", () => {
  const contacts = contactsOf([
    [firefox, "192.0.2.8", 443],
    [firefox, "192.0.2.7", 443],
    [nmap, "192.0.2.9", 443],
    [firefox, "192.0.2.9", 80],
  ]);
  strictEqual(contacts.processOf(finding({ ports: "443" })), nmap);
  strictEqual(contacts.processOf(finding({ targets: ["192.0.2.8"] })), firefox);
});

Deno.test("a beacon of this host, as the detector tells it, begins with its process", () => {
  const script = new TrafficScript();
  for (let beat = 0; beat < 60; beat++) {
    script.session({
      at: beat * 60,
      from: "10.0.0.1",
      to: "198.51.100.7",
      port: 443,
      bytes: [700, 900],
    });
  }
  const [found] = opened(script.play((context) => new Beacon(context)));
  const contacts = contactsOf(
    [[firefox, "198.51.100.8", 443], [nmap, "198.51.100.7", 443]],
    found!.lastUs,
  );
  const { reason, process } = withProcess(found!, contacts.processOf(found!)!);
  match(reason, /^nmap \(bob\) on 10\.0\.0\.1 called 198\.51\.100\.7 \(port 443\) /);
  strictEqual(process, nmap);
});

Deno.test("ProcessContacts names nobody when none did more than half of it", () => {
  const contacts = contactsOf([[nmap, "192.0.2.9", 1], [firefox, "192.0.2.9", 2]]);
  strictEqual(contacts.processOf(finding({})), undefined);
  strictEqual(contacts.processOf(finding({ sources: ["10.0.0.3"] })), undefined);
});

Deno.test("ProcessContacts does not name who is met once among the probes of a scan", () => {
  const scan = finding({ scan: { attempts: 1000, ports: "1-1000" } as ScanDetails });
  strictEqual(contactsOf([[firefox, "192.0.2.9", 80]]).processOf(scan), undefined);
  const probes = [1, 2, 3, 4, 5, 6].map((port) => [nmap, "192.0.2.9", port] as const);
  strictEqual(contactsOf([[firefox, "192.0.2.9", 80], ...probes]).processOf(scan), nmap);
});

Deno.test("ProcessContacts takes all contacts for a finding that does not list all of its targets", () => {
  const contacts = contactsOf([[nmap, "192.0.2.1", 22], [nmap, "192.0.2.2", 22]]);
  strictEqual(contacts.processOf(finding({ targetCount: 254 })), nmap);
});

Deno.test("ProcessContacts passes over what was before the finding, and windows of all traffic", () => {
  const contacts = contactsOf([[firefox, "192.0.2.9", 443]], startUs - 60_000_000);
  strictEqual(contacts.processOf(finding({})), undefined);
  const fresh = contactsOf([[firefox, "192.0.2.9", 443]]);
  strictEqual(fresh.processOf(finding({ kind: "anomaly" })), undefined);
});

Deno.test("ProcessContacts keeps a bounded number, the newest", () => {
  const contacts = contactsOf([[nmap, "192.0.2.9", 443]]);
  const many = Array.from({ length: 20_000 }, (_, index) => ({
    local: "10.0.0.1",
    remote: `198.51.${index >> 8}.${index & 255}`,
    port: 443,
    process: 0,
  }));
  contacts.take({ type: "contacts", processes: [firefox], contacts: many }, startUs);
  strictEqual(contacts.processOf(finding({})), undefined);
  strictEqual(contacts.processOf(finding({ targets: ["198.51.78.31"] })), firefox);
});
