/**
 * One worker thread under supervision: a crash is noted, counted and answered with a new worker after a pause that
 * doubles from half a second to half a minute; a minute without a crash resets the pause.
 */

interface WorkerHostOptions<In> {
  readonly name: string;
  /** Starts the thread; the literal `new URL` stays with the caller, where the compiler finds it. */
  readonly spawn: () => Worker;
  /** Sends the new worker what it needs to begin; runs again after each crash. */
  readonly begin: (worker: Worker) => void;
  readonly onMessage: (message: In) => void;
  readonly onCrash: (text: string) => void;
}

const firstPauseMs = 500;
const longestPauseMs = 30_000;
const calmMs = 60_000;
const farewellMs = 2000;

export class WorkerHost<In> {
  readonly #options: WorkerHostOptions<In>;
  #prepared: Worker | null = null;
  #worker: Worker | null = null;
  #pauseMs = firstPauseMs;
  #startedMs = 0;
  #restartTimer: number | undefined;
  #leaving: Worker | null = null;
  #leavingTimer: number | undefined;

  constructor(options: WorkerHostOptions<In>) {
    this.#options = options;
  }

  /** Makes the first worker, which does nothing until start(): it comes up while this thread does something else. */
  prepare(): void {
    this.#prepared = this.#options.spawn();
  }

  start(): void {
    const worker = this.#prepared ?? this.#options.spawn();
    this.#prepared = null;
    this.#worker = worker;
    this.#startedMs = performance.now();
    worker.onmessage = (event: MessageEvent<In>) => this.#options.onMessage(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#crashed(event.message);
    };
    this.#options.begin(worker);
  }

  /** False before the start, after `terminate()`, and while a crashed worker waits for its next start. */
  get isRunning(): boolean {
    return this.#worker !== null;
  }

  post(message: unknown, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  /** Starts the worker anew as after a crash, because one that it depends on crashed; the one before ends as by `terminate()`. */
  restart(farewell?: unknown): void {
    this.terminate(farewell);
    this.start();
  }

  /**
   * Ends the worker. It is told `farewell`, if there is one, and given time to let go of what the system lends to no thread alone;
   * what it still says is not listened to.
   */
  terminate(farewell?: unknown): void {
    const leaving = farewell === undefined ? null : this.#worker;
    clearTimeout(this.#restartTimer);
    clearTimeout(this.#leavingTimer);
    this.#leaving?.terminate();
    this.#leaving = null;
    this.#prepared?.terminate();
    this.#prepared = null;
    if (leaving === null) this.#worker?.terminate();
    else this.#endLater(leaving, farewell);
    this.#worker = null;
  }

  #endLater(worker: Worker, farewell: unknown): void {
    worker.onmessage = null;
    worker.onerror = (event) => event.preventDefault();
    worker.postMessage(farewell);
    this.#leaving = worker;
    this.#leavingTimer = setTimeout(() => worker.terminate(), farewellMs);
  }

  #crashed(message: string): void {
    this.terminate();
    if (performance.now() - this.#startedMs > calmMs) this.#pauseMs = firstPauseMs;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2);
    this.#options.onCrash(
      `The ${this.#options.name} thread crashed (${message}); it starts again in ${
        pauseMs / 1000
      } s.`,
    );
    this.#restartTimer = setTimeout(() => this.start(), pauseMs);
  }
}
