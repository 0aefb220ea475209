/** An alert for tests of channels. */
import type { Alert } from "../../records.ts";
import type { AlertStory } from "../story.ts";

/** A name as a stranger may choose it. */
export const hostile = 'evil\r\nBcc: a@b.example\u202e<script>alert(1)</script>"&';

/** An alert about an incident, and all that is told with it. */
export function story(changes: Partial<Alert> = {}): AlertStory {
  const alert: Alert = {
    id: 12,
    tsUs: 1_767_225_600_000_000,
    kind: "incident",
    trigger: "opened",
    subject: "incident 7",
    severity: "high",
    source: "192.168.77.20",
    headline: `phone.local (192.168.77.20) scanned 6 hosts named ${hostile}`,
    detail: "192.168.77.20 probed 1,000 ports of 6 hosts. Used afterwards: 192.168.77.2:22.",
    reason: "Its severity is high.",
    attackId: "T1046",
    incidentId: 7,
    amount: 1000,
    hasSucceeded: false,
    state: "waiting",
    heldBy: "",
    muteId: null,
    digestId: null,
    deliveries: [],
    ...changes,
  };
  return {
    alert,
    incident: {
      id: 7,
      actor: "192.168.77.20",
      actorName: "phone.local",
      severity: "high",
      isOpen: true,
      sources: ["192.168.77.20"],
      sourceCount: 1,
      targets: ["192.168.77.2", "192.168.77.3"],
      targetCount: 6,
      tactics: ["TA0007"],
      techniques: ["T1046"],
      kinds: ["scan"],
      ports: ["1-1000"],
      firstUs: 1_767_225_590_000_000,
      lastUs: 1_767_225_600_000_000,
      detectedUs: 1_767_225_595_000_000,
      headline: alert.headline,
      detail: alert.detail,
      course: [],
      amount: 1000,
      hasSucceeded: false,
      origin: null,
      findingCount: 2,
    },
    advice: ["Ask whose phone it is."],
    link: "https://tap.example.org/incidents/7",
    hostname: "edge",
    databaseId: "k3x",
    evidence: { pcap: Uint8Array.of(0xd4, 0xc3, 0xb2, 0xa1), isCut: false },
  };
}
