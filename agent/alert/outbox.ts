/**
 * Sends alerts through their channels, each channel for itself: one that fails or hangs delays no other. What is to be sent
 * has been stored before, and each try is stored after it, so that a new start goes on where the last one was: nothing that a
 * server has taken is sent again, but for the one that was on its way when the program died, and nothing is forgotten.
 *
 *     waiting --taken--> sent
 *        | a failure that may pass: again after 5 s, 15 s, 45 s … 10 min, each give or take a quarter, or as late as the
 *        | server wants it (an hour at most), for a day
 *        '- a refusal, or a day over --> failed
 *
 * The day is one of tries, too: a clock that is set gives nothing up, and makes nothing wait for longer than a pause can be.
 */
import type { Alert, AlertDelivery, ChannelState } from "../records.ts";
import { type Channel, ChannelError } from "./channel.ts";
import { messageOf } from "../errors.ts";

export interface OutboxOptions {
  readonly channels: readonly Channel[];
  /** Stores the newest state of an alert. */
  readonly save: (alert: Alert) => void;
  /** Wall clock. */
  readonly nowUs: () => number;
  /** 0 up to 1. */
  readonly random: () => number;
}

/** Alerts that wait; the oldest is given up beyond that. */
const waitingMax = 1000;
const firstPauseUs = 5_000_000;
const pauseFactor = 3;
const pauseMaxUs = 600_000_000;
const askedPauseMaxUs = 3_600_000_000;
const jitter = 0.25;
const giveUpUs = 86_400_000_000;
/** A day of tries has so many at least, when a server asks for the longest pauses, and at most. */
const dayTriesMin = 20;
const dayTriesMax = 250;

interface Line {
  channel: Channel;
  /** What `channel` has taken the place of while it was sending. */
  former: Channel | null;
  /** No longer set up: only what it is sending is waited for. */
  isGone: boolean;
  isBusy: boolean;
  sent: number;
  failed: number;
  retries: number;
  lastSentUs: number | null;
  lastFailedUs: number | null;
  lastFailure: string;
}

export class Outbox {
  readonly #options: OutboxOptions;
  #lines: readonly Line[];
  readonly #alerts = new Map<number, Alert>();
  #isStopped = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#lines = options.channels.map(lineOf);
  }

  /**
   * Sends through these from now on: what waited for one that is gone is given up, one of the same name takes its place and
   * its counts. Those replaced are closed, once they have sent what they are sending.
   */
  setChannels(channels: readonly Channel[]): void {
    const before = new Map(this.#lines.map((line) => [line.channel.name, line]));
    const lines = channels.map((channel) => {
      const line = before.get(channel.name);
      before.delete(channel.name);
      if (line === undefined) return lineOf(channel);
      if (line.isBusy && line.former === null) line.former = line.channel;
      else line.channel.close?.();
      line.channel = channel;
      line.isGone = false;
      return line;
    });
    const gone = [...before.values()];
    for (const line of gone) line.isGone = true;
    for (const { channel, isBusy } of gone) if (!isBusy) channel.close?.();
    this.#lines = [...lines, ...gone.filter(({ isBusy }) => isBusy)];
    for (const alert of [...this.#alerts.values()]) this.add(alert);
  }

  /** Ends connections that are kept open. */
  close(): void {
    for (const { channel } of this.#lines) channel.close?.();
  }

  /** Deliveries of a new alert, one for each channel. */
  deliveries(): AlertDelivery[] {
    return this.#lines.filter(({ isGone }) => !isGone).map(({ channel }) => ({
      channel: channel.name,
      state: "waiting",
      attempts: 0,
      triedUs: null,
      nextUs: null,
      answer: "",
    }));
  }

  /** Takes up when each channel has last taken an alert and last failed, from alerts of earlier runs. */
  restore(alerts: readonly Alert[]): void {
    for (const line of this.#lines) {
      for (const alert of alerts) {
        const delivery = deliveryOf(alert, line.channel.name);
        if (!delivery || delivery.triedUs === null) continue;
        if (delivery.state === "sent") line.lastSentUs = latest(line.lastSentUs, delivery.triedUs);
        else if (latest(line.lastFailedUs, delivery.triedUs) === delivery.triedUs) {
          line.lastFailedUs = delivery.triedUs;
          line.lastFailure = delivery.answer;
        }
      }
    }
  }

  /** Takes a stored alert that waits, new or of an earlier run; channels that are no longer set up are given up. */
  add(alert: Alert): void {
    const names = new Set(this.#lines.map(({ channel }) => channel.name));
    const known = alert.deliveries.map((delivery): AlertDelivery =>
      delivery.state !== "waiting" || names.has(delivery.channel)
        ? delivery
        : { ...delivery, state: "failed", answer: "this channel is no longer set up" }
    );
    this.#update({ ...alert, deliveries: known });
    if (this.#alerts.size > waitingMax) this.#giveUpOldest();
    this.pump();
  }

  /** Sends what is due; call it once a second. */
  pump(): void {
    if (this.#isStopped) return;
    for (const line of this.#lines) {
      if (line.isBusy || line.isGone) continue;
      const due = this.#due(line.channel.name);
      if (due) this.#send(line, due);
    }
  }

  /** Sends nothing more. What is under way ends, or is tried again by the next run. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Whether something is being sent. */
  get isBusy(): boolean {
    return this.#lines.some(({ isBusy }) => isBusy);
  }

  counts(): ChannelState[] {
    const lines = this.#lines.filter(({ isGone }) => !isGone);
    return lines.map((
      { channel, isBusy: _isBusy, former: _former, isGone: _isGone, ...counts },
    ) => ({
      channel: channel.name,
      ...counts,
      isFailing: (counts.lastFailedUs ?? -1) > (counts.lastSentUs ?? -1),
      waiting: [...this.#alerts.values()].filter((alert) => waits(alert, channel.name)).length,
    }));
  }

  #due(name: string): Alert | null {
    const nowUs = this.#options.nowUs();
    for (const alert of this.#alerts.values()) {
      const delivery = deliveryOf(alert, name);
      if (delivery?.state !== "waiting") continue;
      const waitUs = (delivery.nextUs ?? 0) - nowUs;
      if (waitUs <= 0 || waitUs > askedPauseMaxUs) return alert;
    }
    return null;
  }

  async #send(line: Line, alert: Alert): Promise<void> {
    line.isBusy = true;
    const { name } = line.channel;
    let outcome: Partial<AlertDelivery>;
    try {
      const answer = await line.channel.send(alert);
      line.sent++;
      line.lastSentUs = this.#options.nowUs();
      outcome = { state: "sent", nextUs: null, answer };
    } catch (error) {
      outcome = this.#failure(line, alert, error);
    }
    const newest = this.#alerts.get(alert.id) ?? alert;
    const before = deliveryOf(newest, name)!;
    const delivery: AlertDelivery = {
      ...before,
      attempts: before.attempts + 1,
      triedUs: this.#options.nowUs(),
      ...outcome,
    };
    this.#update({
      ...newest,
      deliveries: newest.deliveries.map((each) => each.channel === name ? delivery : each),
    });
    line.isBusy = false;
    line.former?.close?.();
    line.former = null;
    if (line.isGone) this.#letGo(line);
    this.pump();
  }

  #letGo(line: Line): void {
    line.channel.close?.();
    this.#lines = this.#lines.filter((each) => each !== line);
    for (const alert of [...this.#alerts.values()]) this.add(alert);
  }

  #failure(line: Line, alert: Alert, error: unknown): Partial<AlertDelivery> {
    const answer = messageOf(error);
    const nowUs = this.#options.nowUs();
    const isRefused = error instanceof ChannelError && error.isPermanent;
    const { attempts } = deliveryOf(alert, line.channel.name)!;
    const isLate = attempts >= dayTriesMin && nowUs - alert.tsUs > giveUpUs ||
      attempts >= dayTriesMax;
    line.lastFailedUs = nowUs;
    line.lastFailure = answer;
    if (isRefused || isLate) {
      line.failed++;
      return {
        state: "failed",
        nextUs: null,
        answer: isLate ? `given up after a day: ${answer}` : answer,
      };
    }
    line.retries++;
    const pauseUs = Math.min(firstPauseUs * pauseFactor ** attempts, pauseMaxUs);
    const spread = 1 + jitter * (2 * this.#options.random() - 1);
    const askedUs = error instanceof ChannelError ? error.retryAfterMs * 1000 : 0;
    const waitUs = Math.max(pauseUs * spread, Math.min(askedUs, askedPauseMaxUs));
    return { nextUs: Math.round(nowUs + waitUs), answer };
  }

  #giveUpOldest(): void {
    const [oldest] = this.#alerts.values();
    const deliveries = oldest!.deliveries.map((delivery): AlertDelivery =>
      delivery.state === "waiting"
        ? { ...delivery, state: "failed", nextUs: null, answer: "given up: too many alerts waited" }
        : delivery
    );
    this.#update({ ...oldest!, deliveries });
  }

  /** Keeps and stores the newest state; what waits for no channel any more is let go. */
  #update(alert: Alert): void {
    const isOver = alert.deliveries.every(({ state }) => state !== "waiting");
    const wasTaken = alert.deliveries.some(({ state }) => state === "sent");
    const state = !isOver ? "waiting" : wasTaken ? "sent" : "failed";
    const newest: Alert = { ...alert, state };
    if (isOver) this.#alerts.delete(alert.id);
    else this.#alerts.set(alert.id, newest);
    this.#options.save(newest);
  }
}

function lineOf(channel: Channel): Line {
  return {
    channel,
    former: null,
    isGone: false,
    isBusy: false,
    sent: 0,
    failed: 0,
    retries: 0,
    lastSentUs: null,
    lastFailedUs: null,
    lastFailure: "",
  };
}

function latest(a: number | null, b: number): number {
  return Math.max(a ?? b, b);
}

function deliveryOf(alert: Alert, name: string): AlertDelivery | undefined {
  return alert.deliveries.find(({ channel }) => channel === name);
}

function waits(alert: Alert, name: string): boolean {
  return deliveryOf(alert, name)?.state === "waiting";
}
