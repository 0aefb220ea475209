/**
 * The pipelines of a program, which look like one: usually that is what there is. With --capture-threads each has its part of
 * the traffic; what they say is joined, what one hears of the link and of names is passed to the others, and when one
 * crashes all begin anew, as the detectors, which know of all their flows, must.
 */
import type { MainToPipeline, PipelineToMain } from "../messages.ts";
import type { PipelineSnapshot } from "../records.ts";
import type { OpenFlows, OpenFlowsQuery } from "../search/open_flows.ts";
import { joinOpenFlows, joinSnapshots, SecondsJoin } from "./pipeline_join.ts";
import { WorkerHost } from "./worker_host.ts";

interface PipelineGroupOptions {
  readonly count: number;
  readonly spawn: () => Worker;
  /** All of them are there: sends them what they need to begin; again after a crash. */
  readonly begin: (workers: readonly Worker[]) => void;
  readonly onMessage: (message: PipelineToMain) => void;
  readonly onCrash: (text: string) => void;
}

/** Questions that some have not answered yet. */
const questionsMax = 8;

export class PipelineGroup {
  readonly #options: PipelineGroupOptions;
  readonly #hosts: readonly WorkerHost<PipelineToMain>[];
  #workers: (Worker | null)[] = [];
  #snapshots: (PipelineSnapshot | null)[] = [];
  #behindS: number[] = [];
  /** When each was last heard of, or began. */
  #heardMs: number[] = [];
  #seconds = new SecondsJoin();
  #stopped = 0;
  readonly #questions = new Map<number, { query: OpenFlowsQuery; answers: OpenFlows[] }>();

  constructor(options: PipelineGroupOptions) {
    this.#options = options;
    const { count } = options;
    this.#hosts = Array.from({ length: count }, (_, index) =>
      new WorkerHost<PipelineToMain>({
        name: count === 1 ? "pipeline" : `pipeline ${index + 1}`,
        spawn: options.spawn,
        begin: (worker) => this.#begin(index, worker),
        onMessage: (message) => {
          this.#heardMs[index] = performance.now();
          if (count === 1) options.onMessage(message);
          else this.#onMessage(index, message);
        },
        onCrash: (text) => this.#onCrash(text),
      }));
    this.#forget();
  }

  get count(): number {
    return this.#hosts.length;
  }

  get isRunning(): boolean {
    return this.#hosts.every(({ isRunning }) => isRunning);
  }

  /** Since the one that has been silent longest was heard of; each tells what it has seen once a second, whatever it does. */
  get silentS(): number {
    return (performance.now() - Math.min(...this.#heardMs)) / 1000;
  }

  start(): void {
    for (const host of this.#hosts) if (!host.isRunning) host.start();
  }

  terminate(): void {
    for (const host of this.#hosts) host.terminate();
    this.#forget();
  }

  /** To all. */
  post(message: MainToPipeline): void {
    if (message.type === "openFlows" && this.count > 1) this.#noteQuestion(message);
    for (const host of this.#hosts) host.post(message);
  }

  postTo(index: number, message: MainToPipeline, transfer: Transferable[] = []): void {
    this.#hosts[index].post(message, transfer);
  }

  /** Capture drops so far: of one, for the seconds are added up. */
  tellDrops(message: MainToPipeline & { type: "drops" }): void {
    this.postTo(0, message);
  }

  #begin(index: number, worker: Worker): void {
    this.#workers[index] = worker;
    this.#heardMs[index] ??= performance.now();
    // After a crash the first that is back brings the others.
    const workers = this.#workers.filter((one) => one !== null);
    if (workers.length < this.count) return this.start();
    this.#options.begin(workers);
  }

  #onCrash(text: string): void {
    for (const host of this.#hosts) if (host.isRunning) host.terminate();
    this.#forget();
    this.#options.onCrash(text);
  }

  #forget(): void {
    this.#workers = this.#hosts.map(() => null);
    this.#snapshots = this.#hosts.map(() => null);
    this.#behindS = this.#hosts.map(() => 0);
    this.#seconds = new SecondsJoin();
    this.#questions.clear();
    this.#stopped = 0;
  }

  #onMessage(index: number, message: PipelineToMain): void {
    switch (message.type) {
      case "snapshot":
        this.#snapshots[index] = message.snapshot;
        this.#behindS[index] = message.behindS;
        this.#seconds.add(message.seconds);
        if (index === 0) this.#tellSnapshot();
        return;
      case "openFlows":
        return this.#answer(message.sequence, message.flows);
      case "hearsay":
        this.#hosts.forEach((host, other) => {
          if (other !== index) host.post(message);
        });
        return;
      case "stopped":
        if (++this.#stopped < this.count) return;
        this.#tellSnapshot(Infinity);
        return this.#options.onMessage(message);
      default:
        return this.#options.onMessage(message);
    }
  }

  #tellSnapshot(reachedUs?: number): void {
    const snapshots = this.#snapshots.filter((one) => one !== null);
    if (snapshots.length < this.count) return;
    this.#options.onMessage({
      type: "snapshot",
      snapshot: joinSnapshots(snapshots),
      seconds: this.#seconds.take(snapshots.map(({ tsUs }) => reachedUs ?? tsUs)),
      behindS: Math.max(...this.#behindS),
    });
  }

  #noteQuestion({ sequence, query }: MainToPipeline & { type: "openFlows" }): void {
    this.#questions.set(sequence, { query, answers: [] });
    if (this.#questions.size > questionsMax) {
      this.#questions.delete(this.#questions.keys().next().value!);
    }
  }

  #answer(sequence: number, flows: OpenFlows): void {
    const question = this.#questions.get(sequence);
    if (question === undefined || question.answers.push(flows) < this.count) return;
    this.#questions.delete(sequence);
    const joined = joinOpenFlows(question.answers, question.query);
    this.#options.onMessage({ type: "openFlows", sequence, flows: joined });
  }
}
