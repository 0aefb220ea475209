/** Incidents and alerts for the dashboard's tests. */
import type { Alert, AlertDelivery, Incident } from "../agent/records.ts";
import { incident } from "../agent/store/testing.ts";
import { nowUs } from "./dashboard_fixture.ts";

/** An open scan of one port of one host, of a moment ago. */
export function makeIncident(changes: Partial<Incident>): Incident {
  return incident(1, {
    firstUs: nowUs() - 60e6,
    lastUs: nowUs() - 30e6,
    detectedUs: nowUs() - 50e6,
    ...changes,
  });
}

/** An alert of an incident that one channel has taken. */
export function makeAlert(changes: Partial<Alert>): Alert {
  return {
    id: 1,
    tsUs: nowUs() - 45e6,
    kind: "incident",
    trigger: "opened",
    subject: "incident 1",
    severity: "high",
    source: "10.0.0.9",
    headline: "10.0.0.9 scanned 10.0.0.2",
    detail: "",
    reason: "Its severity is high.",
    attackId: "T1046",
    incidentId: 1,
    amount: 10,
    hasSucceeded: false,
    state: "sent",
    heldBy: "",
    muteId: null,
    digestId: null,
    deliveries: [makeDelivery({})],
    ...changes,
  };
}

export function makeDelivery(changes: Partial<AlertDelivery>): AlertDelivery {
  return {
    channel: "mail to noc@example.org",
    state: "sent",
    attempts: 1,
    triedUs: nowUs() - 44e6,
    nextUs: null,
    answer: "250 OK",
    ...changes,
  };
}
