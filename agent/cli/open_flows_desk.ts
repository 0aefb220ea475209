/** Asks the pipeline's thread which flows are open, and does not wait long: a page is shown without them rather than late. */
import { NO_OPEN_FLOWS, type OpenFlows, type OpenFlowsQuery } from "../search/open_flows.ts";

/** Longest that a page waits. */
const waitMs = 400;
/** Questions under way at a time: more would hold up the pipeline. */
const underWayMax = 4;

export class OpenFlowsDesk {
  /** False when there is no pipeline. */
  readonly #post: (sequence: number, query: OpenFlowsQuery) => boolean;
  readonly #waiting = new Map<number, (flows: OpenFlows) => void>();
  #sequence = 0;

  constructor(post: (sequence: number, query: OpenFlowsQuery) => boolean) {
    this.#post = post;
  }

  ask(query: OpenFlowsQuery): Promise<OpenFlows> {
    const late = { ...NO_OPEN_FLOWS, isLate: true };
    if (this.#waiting.size >= underWayMax) return Promise.resolve(late);
    const sequence = ++this.#sequence;
    const { promise, resolve } = Promise.withResolvers<OpenFlows>();
    if (!this.#post(sequence, query)) return Promise.resolve(NO_OPEN_FLOWS);
    const timer = setTimeout(() => this.answer(sequence, late), waitMs);
    this.#waiting.set(sequence, (flows) => {
      clearTimeout(timer);
      resolve(flows);
    });
    return promise;
  }

  /** The pipeline's answer; one that comes too late is left. */
  answer(sequence: number, flows: OpenFlows): void {
    this.#waiting.get(sequence)?.(flows);
    this.#waiting.delete(sequence);
  }
}
