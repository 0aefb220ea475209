/**
 * Alerts in the running program: incidents, the anomaly rate and the state of each part go through the policy; what it decides
 * is stored, then sent by the outbox. Also what people say: mutes, acknowledgements, a test. All on the main thread, which
 * waits for nobody; capture and detection never wait for it.
 */
import { type HealthReport, HealthWatch } from "../alert/health.ts";
import { checkMute, scopeOf } from "../alert/mutes.ts";
import { Outbox } from "../alert/outbox.ts";
import {
  AlertPolicy,
  type AlertSubject,
  type Decision,
  type PolicyOptions,
  testDecision,
} from "../alert/policy.ts";
import type { Channel } from "../alert/channel.ts";
import type { AlertDesk, NewMute } from "../dashboard_context.ts";
import type { LiveEvent, LiveState } from "../live_state.ts";
import type { AlertsMessage } from "../messages.ts";
import type { Alert, AlertKind, Incident, Mute } from "../records.ts";
import { readAlert, readMute } from "../store/alert_rows.ts";
import type { StoreQueries } from "../store/queries.ts";
import { readIncident } from "../incident_reader.ts";

/** What a running program takes up anew. */
export interface AlertSettings {
  readonly channels: readonly Channel[];
  readonly policy: PolicyOptions;
  readonly anomalyThresholdPct: number;
}

interface AlertHostOptions extends AlertSettings {
  readonly live: LiveState;
  readonly queries: StoreQueries;
  readonly sendToStore: (message: AlertsMessage) => void;
  readonly note: (text: string) => void;
}

const tickMs = 1000;
/** Longest that an alert waits for the database before it is sent all the same. */
const storeWaitMs = 5000;
const resumedUs = 2 * 86_400_000_000;
/** Longest that sending may hold up the end of the program. */
const stopMs = 1500;

export class AlertHost implements AlertDesk {
  readonly #options: AlertHostOptions;
  readonly #policy: AlertPolicy;
  readonly #outbox: Outbox;
  readonly #health: HealthWatch;
  #mutes: Mute[] = [];
  /** Alerts that wait for the digest, by id. */
  readonly #held = new Map<number, Alert>();
  #hasChannels: boolean;
  #lastAlertId = 0;
  #lastMuteId = 0;
  #sequence = 0;
  readonly #under = new Map<
    number,
    { message: AlertsMessage; taken: (isWritten: boolean) => void }
  >();
  #ticker: number | undefined;
  #unsubscribe = () => {};

  constructor(options: AlertHostOptions) {
    this.#options = options;
    this.#hasChannels = options.channels.length > 0;
    this.#policy = new AlertPolicy(options.policy);
    this.#health = new HealthWatch(options.anomalyThresholdPct);
    this.#outbox = new Outbox({
      channels: options.channels,
      save: (alert) => this.#save(alert),
      nowUs,
      random: Math.random,
    });
    this.#show();
  }

  /** Takes up what an earlier run left, and begins to listen. Throws what StoreQueries throws. */
  start(): void {
    const { queries, live } = this.#options;
    const { rows, lastAlertId, lastMuteId } = queries.alertsToResume(nowUs() - resumedUs);
    const alerts = rows.map(readAlert);
    this.#lastAlertId = lastAlertId;
    this.#lastMuteId = lastMuteId;
    this.#mutes = queries.mutes().map(readMute);
    this.#policy.setMutes(this.#mutes);
    this.#policy.restore(alerts);
    this.#outbox.restore(alerts);
    for (const alert of alerts) {
      if (alert.state === "held") this.#held.set(alert.id, alert);
      else if (alert.state === "waiting") this.#outbox.add(alert);
    }
    // What the last run had no time to tell.
    for (const row of queries.openIncidents().rows) this.#take(incidentSubject(readIncident(row)));
    this.#unsubscribe = live.subscribe((event) => this.#onEvent(event));
    this.#ticker = setInterval(() => this.#tick(), tickMs);
  }

  /** Keeps what waits for the next run, and lets what is being sent end. */
  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    this.#unsubscribe();
    this.#decide(this.#policy.flush(nowUs()));
    this.#outbox.stop();
    const deadline = performance.now() + stopMs;
    while (this.#outbox.isBusy && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#outbox.close();
  }

  /** What was configured anew holds from now on; mutes are read again. Throws what StoreQueries throws. */
  reload({ channels, policy, anomalyThresholdPct }: AlertSettings): void {
    this.#hasChannels = channels.length > 0;
    this.#policy.setOptions(policy);
    this.#health.setAnomalyThreshold(anomalyThresholdPct);
    this.#outbox.setChannels(channels);
    this.#setMutes(this.#options.queries.mutes().map(readMute));
    this.#show();
  }

  /** A store has taken the place of one that crashed: it gets what that had not answered. */
  storeBegan(): void {
    for (const { message } of this.#under.values()) this.#options.sendToStore(message);
  }

  storeTook(sequence: number, isWritten: boolean): void {
    this.#under.get(sequence)?.taken(isWritten);
    this.#under.delete(sequence);
  }

  // ------------------------------------------------ what people say

  get mutes(): readonly Mute[] {
    return this.#mutes;
  }

  /** Throws RangeError for what is no mute. */
  async addMute(wanted: NewMute): Promise<Mute> {
    checkMute(wanted);
    const mute: Mute = { ...wanted, id: ++this.#lastMuteId, createdUs: nowUs() };
    if (!await this.#store({ mutes: [mute] })) {
      throw new Error("The database could not be written.");
    }
    this.#setMutes([mute, ...this.#mutes]);
    return mute;
  }

  async removeMute(id: number): Promise<boolean> {
    if (!this.#mutes.some((mute) => mute.id === id)) return false;
    if (!await this.#store({ unmutedIds: [id] })) {
      throw new Error("The database could not be written.");
    }
    this.#setMutes(this.#mutes.filter((mute) => mute.id !== id));
    return true;
  }

  async acknowledge(incidentId: number, isAcknowledged: boolean): Promise<void> {
    const atUs = isAcknowledged ? nowUs() : null;
    if (!await this.#store({ acknowledged: [{ incidentId, atUs }] })) {
      throw new Error("The database could not be written.");
    }
  }

  /** Sends a test through every channel; its id. */
  sendTest(): number {
    this.#decide([testDecision({
      tsUs: nowUs(),
      detail: "Somebody has asked for it on the dashboard. Nothing has happened on the network.",
      reason: "Somebody has asked for it.",
    })]);
    return this.#lastAlertId;
  }

  #setMutes(mutes: Mute[]): void {
    this.#mutes = mutes;
    this.#policy.setMutes(mutes);
  }

  // ------------------------------------------------ what happens

  #onEvent(event: LiveEvent): void {
    if (event.type === "incident") this.#take(incidentSubject(event.data.incident));
  }

  #watchHealth(): void {
    if (!this.#hasChannels) return;
    const { live } = this.#options;
    const report: HealthReport = {
      elapsedUs: performance.now() * 1000,
      health: live.health(),
      packets: live.snapshot?.packets ?? 0,
    };
    for (const subject of this.#health.take(report)) this.#take(subject);
  }

  #take(subject: AlertSubject): void {
    // Without a channel nobody is told, and nothing is held back.
    if (!this.#hasChannels) return;
    const decision = this.#policy.take(subject, nowUs());
    if (decision) this.#decide([decision]);
  }

  #tick(): void {
    this.#watchHealth();
    this.#decide(this.#policy.tick(nowUs()));
    this.#outbox.pump();
    this.#show();
  }

  /** On pages, as it stands. */
  #show(): void {
    const { live } = this.#options;
    live.channels = this.#outbox.counts();
    live.pendingAlerts = this.#policy.pending();
  }

  #decide(decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      const isSent = decision.state === "waiting";
      const alert: Alert = {
        ...decision,
        id: ++this.#lastAlertId,
        digestId: null,
        detail: decision.kind === "digest" ? this.#digestText() : decision.detail,
        deliveries: isSent ? this.#outbox.deliveries() : [],
      };
      if (decision.state === "held") this.#held.set(alert.id, alert);
      if (decision.kind === "digest") this.#closeHeld(alert.id);
      const stored = this.#save(alert);
      if (isSent) void this.#sendOnceStored(alert, stored);
    }
  }

  async #sendOnceStored(alert: Alert, stored: Promise<boolean>): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), storeWaitMs);
    const isStored = await Promise.race([stored, late]);
    clearTimeout(timer);
    if (!isStored) {
      this.#options.note(
        "An alert is sent before it could be stored: after a restart it may be sent again, or be missing from the list.",
      );
    }
    this.#outbox.add(alert);
  }

  #digestText(): string {
    return [...this.#held.values()].map(({ severity, headline, heldBy }) =>
      `${severity}: ${headline} (held back by ${heldBy})`
    ).join("\n");
  }

  #closeHeld(digestId: number): void {
    for (const alert of this.#held.values()) this.#save({ ...alert, state: "digest", digestId });
    this.#held.clear();
  }

  #save(alert: Alert): Promise<boolean> {
    this.#options.live.setAlert(alert);
    return this.#store({ alerts: [alert] });
  }

  /** Resolves with whether it was written, once the store has answered. */
  #store(changes: Partial<Omit<AlertsMessage, "type" | "sequence">>): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const message: AlertsMessage = {
      type: "alerts",
      sequence: this.#sequence++,
      alerts: [],
      mutes: [],
      unmutedIds: [],
      acknowledged: [],
      ...changes,
    };
    this.#under.set(message.sequence, { message, taken: resolve });
    this.#options.sendToStore(message);
    return promise;
  }
}

/** An incident as the policy sees it. */
function incidentSubject(incident: Incident): AlertSubject {
  const { id, actor, targets, kinds, ports } = incident;
  return {
    key: `incident ${id}`,
    kind: "incident" satisfies AlertKind,
    source: actor ?? targets[0] ?? "",
    severity: incident.severity,
    headline: incident.headline,
    detail: incident.detail,
    attackId: incident.techniques[0] ?? "",
    incidentId: id,
    amount: incident.amount,
    hasSucceeded: incident.hasSucceeded,
    isOpen: incident.isOpen,
    scope: scopeOf(incident, { kinds, ports }),
  };
}

function nowUs(): number {
  return Date.now() * 1000;
}
