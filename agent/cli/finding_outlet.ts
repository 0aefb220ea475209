/**
 * The queue of findings and incidents to the store: one message is under way until it is taken, what comes meanwhile waits, of
 * each only its newest state. What a store that crashed had not taken is sent to the next one; writing it twice changes
 * nothing. When too many wait, the one that has waited longest is given up and counted.
 */
import type { FindingsMessage } from "../messages.ts";
import type { Finding, IncidentNews } from "../records.ts";

const messageMax = 500;
const waitingMax = 10_000;

export class FindingOutlet {
  /** Findings and incidents that found no room. */
  lostCount = 0;
  readonly #send: (message: FindingsMessage) => void;
  readonly #waiting = new Map<number, Finding>();
  readonly #waitingIncidents = new Map<number, IncidentNews>();
  #under: FindingsMessage[] = [];
  #sequence = 0;
  /** What is to follow incidents that wait, in order. */
  #followers: { readonly ids: readonly number[]; readonly send: () => void }[] = [];

  constructor(send: (message: FindingsMessage) => void) {
    this.#send = send;
  }

  /** A finding, and what it means for incidents. */
  add(finding: Finding, incidents: readonly IncidentNews[] = []): void {
    this.#waiting.delete(finding.id);
    this.#waiting.set(finding.id, finding);
    this.lostCount += shorten(this.#waiting);
    this.addIncidents(incidents);
  }

  addIncidents(incidents: readonly IncidentNews[]): void {
    for (const news of incidents) {
      const { id } = news.incident;
      const before = this.#waitingIncidents.get(id);
      this.#waitingIncidents.delete(id);
      this.#waitingIncidents.set(id, before ? joinedNews(before, news) : news);
    }
    this.lostCount += shorten(this.#waitingIncidents);
    if (this.#under.length === 0) this.#sendSome();
  }

  /** Sends something behind what waits of these incidents: now, or as soon as they have been sent. */
  sendBehind(ids: readonly number[], send: () => void): void {
    this.#followers.push({ ids, send });
    this.#sendFollowers();
  }

  /** The store has taken a message. */
  taken(sequence: number): void {
    this.#under = this.#under.filter((message) => message.sequence > sequence);
    if (this.#under.length === 0) this.#sendSome();
  }

  /** Another store takes over: it gets what the one before had not taken. */
  resend(): void {
    for (const message of this.#under) this.#send(message);
  }

  /** Sends all that waits at once: the store is about to close. */
  flush(): void {
    while (this.#waiting.size + this.#waitingIncidents.size > 0) this.#sendSome();
  }

  #sendSome(): void {
    const findings = [...this.#waiting.values().take(messageMax)];
    const incidents = [...this.#waitingIncidents.values().take(messageMax)];
    if (findings.length + incidents.length === 0) return;
    for (const { id } of findings) this.#waiting.delete(id);
    for (const { incident } of incidents) this.#waitingIncidents.delete(incident.id);
    const message: FindingsMessage = {
      type: "findings",
      sequence: this.#sequence++,
      findings,
      incidents,
    };
    this.#under.push(message);
    this.#send(message);
    this.#sendFollowers();
  }

  #sendFollowers(): void {
    const isHeld = ({ ids }: { readonly ids: readonly number[] }) =>
      ids.some((id) => this.#waitingIncidents.has(id));
    const ready = this.#followers.filter((follower) => !isHeld(follower));
    if (ready.length > 0) this.#followers = this.#followers.filter(isHeld);
    for (const { send } of ready) send();
  }
}

/** Two pieces of news about one incident in one. */
function joinedNews(older: IncidentNews, newer: IncidentNews): IncidentNews {
  return {
    incident: newer.incident,
    joined: [...older.joined, ...newer.joined],
    absorbedIds: [...older.absorbedIds, ...newer.absorbedIds],
  };
}

/** Gives up what has waited longest beyond the most that may; returns how many that were. */
function shorten(waiting: Map<number, unknown>): number {
  if (waiting.size <= waitingMax) return 0;
  const [longest] = waiting.keys();
  waiting.delete(longest!);
  return 1;
}
