/**
 * Sends alerts through their channels, each channel for itself: one that fails or hangs delays no other. What is to be sent
 * has been stored before, and each try is stored after it, so that a new start goes on where the last one was: nothing that a
 * server has taken is sent again, but for the one that was on its way when the program died, and nothing is forgotten.
 *
 *     waiting --taken--> sent
 *        | a failure that may pass: again after 5 s, 15 s, 45 s … 10 min, each give or take a quarter, for a day
 *        '- a refusal, or a day over --> failed
 */
import type { Alert, AlertDelivery } from "../records.ts";
import { type Channel, ChannelError } from "./channel.ts";

export interface OutboxOptions {
  readonly channels: readonly Channel[];
  /** Stores the newest state of an alert. */
  readonly save: (alert: Alert) => void;
  /** Wall clock. */
  readonly nowUs: () => number;
  /** 0 up to 1. */
  readonly random: () => number;
}

export interface ChannelCounts {
  readonly channel: string;
  readonly sent: number;
  readonly failed: number;
  /** Tries that did not succeed. */
  readonly retries: number;
  readonly waiting: number;
  /** The server's last words, or what went wrong last. */
  readonly lastAnswer: string;
  readonly isFailing: boolean;
}

/** Alerts that wait; the oldest is given up beyond that. */
const waitingMax = 1000;
const firstPauseUs = 5_000_000;
const pauseFactor = 3;
const pauseMaxUs = 600_000_000;
const jitter = 0.25;
const giveUpUs = 86_400_000_000;

interface ChannelState {
  readonly channel: Channel;
  isBusy: boolean;
  sent: number;
  failed: number;
  retries: number;
  lastAnswer: string;
  isFailing: boolean;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #states: readonly ChannelState[];
  readonly #alerts = new Map<number, Alert>();
  #isStopped = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#states = options.channels.map((channel) => ({
      channel,
      isBusy: false,
      sent: 0,
      failed: 0,
      retries: 0,
      lastAnswer: "",
      isFailing: false,
    }));
  }

  /** Deliveries of a new alert, one for each channel. */
  deliveries(): AlertDelivery[] {
    return this.#states.map(({ channel }) => ({
      channel: channel.name,
      state: "waiting",
      attempts: 0,
      triedUs: null,
      nextUs: null,
      answer: "",
    }));
  }

  /** Takes a stored alert that waits, new or of an earlier run; channels that are no longer set up are given up. */
  add(alert: Alert): void {
    const names = new Set(this.#states.map(({ channel }) => channel.name));
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
    for (const state of this.#states) {
      if (state.isBusy) continue;
      const due = this.#due(state.channel.name);
      if (due) this.#send(state, due);
    }
  }

  /** Sends nothing more. What is under way ends, or is tried again by the next run. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Whether something is being sent. */
  get isBusy(): boolean {
    return this.#states.some(({ isBusy }) => isBusy);
  }

  counts(): ChannelCounts[] {
    return this.#states.map(({ channel, isBusy: _isBusy, ...counts }) => ({
      channel: channel.name,
      ...counts,
      waiting: [...this.#alerts.values()].filter((alert) => waits(alert, channel.name)).length,
    }));
  }

  #due(name: string): Alert | null {
    const nowUs = this.#options.nowUs();
    for (const alert of this.#alerts.values()) {
      const delivery = deliveryOf(alert, name);
      if (delivery?.state === "waiting" && (delivery.nextUs ?? 0) <= nowUs) return alert;
    }
    return null;
  }

  async #send(state: ChannelState, alert: Alert): Promise<void> {
    state.isBusy = true;
    const { name } = state.channel;
    let outcome: Partial<AlertDelivery>;
    try {
      const answer = await state.channel.send(alert);
      state.sent++;
      state.isFailing = false;
      outcome = { state: "sent", nextUs: null, answer };
    } catch (error) {
      outcome = this.#failure(state, alert, error);
    }
    state.lastAnswer = outcome.answer ?? "";
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
    state.isBusy = false;
    this.pump();
  }

  #failure(state: ChannelState, alert: Alert, error: unknown): Partial<AlertDelivery> {
    const answer = error instanceof Error ? error.message : String(error);
    const nowUs = this.#options.nowUs();
    const isRefused = error instanceof ChannelError && error.isPermanent;
    const isLate = nowUs - alert.tsUs > giveUpUs;
    state.isFailing = true;
    if (isRefused || isLate) {
      state.failed++;
      return {
        state: "failed",
        nextUs: null,
        answer: isLate ? `given up after a day: ${answer}` : answer,
      };
    }
    state.retries++;
    const attempts = deliveryOf(alert, state.channel.name)!.attempts;
    const pauseUs = Math.min(firstPauseUs * pauseFactor ** attempts, pauseMaxUs);
    const spread = 1 + jitter * (2 * this.#options.random() - 1);
    return { nextUs: Math.round(nowUs + pauseUs * spread), answer };
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

function deliveryOf(alert: Alert, name: string): AlertDelivery | undefined {
  return alert.deliveries.find(({ channel }) => channel === name);
}

function waits(alert: Alert, name: string): boolean {
  return deliveryOf(alert, name)?.state === "waiting";
}
