/**
 * Keeps the thread that reads for the dashboard, and the questions that it has not answered. After a minute without one the
 * thread is ended, for the 15 MB that it holds; the next question starts it again, some 50 ms late. Deno keeps two handles and 0.1 MB
 * of a thread that has ended: each time it has to be quiet twice as long, up to a day, so that a page that asks
 * once a minute does not end 1,440 a day.
 */
import type { GeoFile } from "../geo/places.ts";
import type { ReaderToMain } from "../messages.ts";
import { StoreError } from "../store/failure.ts";
import { makeReader, type StoreReader, toError } from "../store/reader.ts";
import { WorkerHost } from "./worker_host.ts";

interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Questions under way at a time; what comes beyond them is refused. */
const underWayMax = 1000;
const quietMs = 60_000;
const quietMaxMs = 24 * 3600e3;

export class ReaderHost {
  readonly reader: StoreReader;
  readonly #path: string;
  readonly #worker: WorkerHost<ReaderToMain>;
  readonly #asked = new Map<number, Asked>();
  #quietMs: number;
  #sequence = 0;
  #geoFiles: readonly GeoFile[] = [];
  /** Ended because nobody asked. */
  #isAtRest = false;
  #restTimer: number | undefined;

  /** `path` is that of `packet_logs.db`; `onCrash` is told in words; `quiet` is how long it stays without a question, at first. */
  constructor(path: string, onCrash: (text: string) => void, quiet = quietMs) {
    this.#path = path;
    this.#quietMs = quiet;
    this.reader = makeReader((name, parameters) => this.#ask(name, parameters));
    this.#worker = new WorkerHost<ReaderToMain>({
      name: "reader",
      spawn: () =>
        new Worker(new URL("../store/reader_worker.ts", import.meta.url), { type: "module" }),
      begin: (worker) => {
        worker.postMessage({ type: "start", path });
        worker.postMessage({ type: "geo", files: this.#geoFiles });
      },
      onMessage: ({ sequence, value, failure }) => {
        const asked = this.#take(sequence);
        if (failure) asked?.reject(toError(failure));
        else asked?.resolve(value);
        this.#restLater();
      },
      onCrash: (text) => {
        this.#refuseAll();
        onCrash(text);
      },
    });
  }

  start(): void {
    this.#isAtRest = false;
    this.#worker.start();
    this.#restLater();
  }

  setGeoFiles(files: readonly GeoFile[]): void {
    this.#geoFiles = files;
    if (this.#worker.isRunning) this.#worker.post({ type: "geo", files });
  }

  stop(): void {
    this.#isAtRest = false;
    clearTimeout(this.#restTimer);
    this.#worker.terminate();
    this.#refuseAll();
  }

  get isAtRest(): boolean {
    return this.#isAtRest;
  }

  #restLater(): void {
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => {
      if (this.#asked.size > 0 || !this.#worker.isRunning) return;
      this.#isAtRest = true;
      this.#quietMs = Math.min(2 * this.#quietMs, quietMaxMs);
      this.#worker.terminate();
    }, this.#quietMs);
  }

  #ask(name: string, parameters: readonly unknown[]): Promise<unknown> {
    if (this.#isAtRest) this.start();
    if (!this.#worker.isRunning || this.#asked.size >= underWayMax) {
      return Promise.reject(this.#refusal());
    }
    const sequence = ++this.#sequence;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#asked.set(sequence, { resolve, reject });
    try {
      this.#worker.post({ type: "question", sequence, name, parameters });
    } catch (error) {
      this.#take(sequence);
      throw error;
    }
    return promise;
  }

  #take(sequence: number): Asked | undefined {
    const asked = this.#asked.get(sequence);
    this.#asked.delete(sequence);
    return asked;
  }

  #refuseAll(): void {
    for (const sequence of [...this.#asked.keys()]) this.#take(sequence)!.reject(this.#refusal());
  }

  #refusal(): StoreError {
    return new StoreError("busy", `${this.#path} cannot be read just now; try again`);
  }
}
