/**
 * The thread of the detectors: a shell around Detection that takes the pipeline's observations, gives the buffers back,
 * tells findings as they come and the state each second, and keeps the model in its file. Of a live capture it also looks for the
 * processes behind this host's flows (process_thread.ts).
 */
import { collectGarbage } from "../collect_garbage.ts";
import { blocklistsState, readBlocklists, readBlocklistsSync } from "../blocklist_files.ts";
import { formatAddressWords } from "../decode/addresses.ts";
import type {
  DetectOptions,
  DetectToMain,
  MainToDetect,
  ObservationsMessage,
  ObservationsReturnMessage,
  PipelineToDetect,
} from "../messages.ts";
import { readModel, writeModel } from "../model_file.ts";
import { ProcessThread } from "../process/process_thread.ts";
import type { Finding } from "../records.ts";
import { counted, formatCount } from "../text/amounts.ts";
import { printable } from "../text/printable.ts";
import { BlockLists } from "./blocklist/block_lists.ts";
import { Detection } from "./detection.ts";
import { ObservationJoin } from "./observation_join.ts";
import { inTurns } from "../turns.ts";

declare const self: DedicatedWorkerGlobalScope;

const tickMs = 1000;
const ticksPerLook = 5;
const ticksPerSave = 60;

class DetectThread {
  readonly #options: DetectOptions;
  readonly #pipelines: readonly MessagePort[];
  /** Of several pipelines. */
  readonly #join: ObservationJoin | null;
  readonly #detection: Detection;
  readonly #timer: number;
  /** Not posted yet: a message costs more than a finding. */
  #found: Finding[] = [];
  #ticks = 0;
  /** When the model that the file holds was fitted, and the tick at which it was written. */
  #savedFittedUs: number | null = null;
  #savedTick = -ticksPerSave;
  #isEnded = false;
  #blockLists: BlockLists | null = null;
  #blocklistPaths: readonly string[];
  #blockFilesState = "";

  constructor(options: DetectOptions, pipelines: readonly MessagePort[]) {
    this.#options = options;
    this.#blocklistPaths = options.blocklists;
    this.#pipelines = pipelines;
    if (options.blocklists.length > 0) this.#readBlocklists();
    this.#detection = new Detection({
      ...options,
      blockLists: this.#blockLists && (() => this.#blockLists!),
      model: this.#readModel(),
      formatAddress: formatAddressWords,
      note: (text) => note("warning", text),
      onFinding: (finding) => this.#keep(finding),
    });
    this.#detection.setOwn(options.ownAddresses);
    this.#savedFittedUs = this.#detection.state().modelFittedUs;
    this.#join = pipelines.length === 1 ? null : new ObservationJoin({
      count: pipelines.length,
      take: (words, length) => this.#detection.take(words, length),
      release: (index, words) => this.#release(pipelines[index], words),
    });
    const take = inTurns(({ message, index }: { message: PipelineToDetect; index: number }) =>
      this.#take(message, index)
    );
    pipelines.forEach((port, index) => {
      port.onmessage = ({ data }) => take({ message: data, index });
    });
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#tellState();
  }

  setBlocklists(paths: readonly string[]): void {
    const isSame = paths.join("\n") === this.#blocklistPaths.join("\n");
    if (!isSame) this.#blocklistPaths = paths;
    void this.#lookAtBlocklists();
  }

  setOwn(addresses: readonly string[]): void {
    this.#detection.setOwn(addresses);
  }

  /** Judges what is pending, saves the model and says that this is the end. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearInterval(this.#timer);
    try {
      this.#detection.finish();
    } finally {
      this.#tellFindings();
    }
    this.#saveModel();
    this.#tellState();
    post({ type: "stopped" });
    for (const port of this.#pipelines) port.close();
  }

  #take(message: PipelineToDetect, index: number): void {
    if (this.#isEnded) return;
    try {
      if (this.#join !== null) this.#joinIn(this.#join, message, index);
      else if (message.type === "end") this.end();
      else this.#takeAll(message);
    } finally {
      this.#tellFindings();
    }
  }

  #takeAll({ words, length }: ObservationsMessage): void {
    this.#detection.take(words, length);
    this.#release(this.#pipelines[0], words);
  }

  #joinIn(join: ObservationJoin, message: PipelineToDetect, index: number): void {
    if (message.type === "end") join.end(index);
    else join.add(index, message);
    if (join.isOver) this.end();
  }

  #release(port: MessagePort, words: Int32Array<ArrayBuffer>): void {
    const answer: ObservationsReturnMessage = { type: "return", words };
    port.postMessage(answer, [words.buffer]);
  }

  #tick(): void {
    this.#ticks++;
    this.#tellState();
    if (this.#ticks % ticksPerLook === 0) this.#lookAtBlocklists();
    const { modelFittedUs } = this.#detection.state();
    const isDue = this.#ticks - this.#savedTick >= ticksPerSave;
    if (isDue && modelFittedUs !== this.#savedFittedUs) this.#saveModel();
  }

  #keep(finding: Finding): void {
    this.#found.push({ ...finding, reason: printable(finding.reason) });
  }

  /** Before the first row; a list that cannot be read any more is told. */
  #readBlocklists(): void {
    this.#blockFilesState = blocklistsState(this.#blocklistPaths);
    const lists = this.#blockLists = this.#newLists();
    try {
      readBlocklistsSync(this.#blocklistPaths, lists);
    } catch (error) {
      note("warning", `A block list cannot be read: ${(error as Error).message}.`);
    }
    noteLists(lists, "read");
  }

  /** Reads the lists again when one has changed; until that is done, and when it fails, the old ones are asked. */
  async #lookAtBlocklists(): Promise<void> {
    const paths = this.#blocklistPaths;
    const state = blocklistsState(paths);
    if (state === this.#blockFilesState) return;
    this.#blockFilesState = state;
    const lists = this.#newLists();
    try {
      await readBlocklists(paths, lists);
    } catch (error) {
      const reason = (error as Error).message;
      return note(
        "warning",
        `A block list cannot be read: ${reason}. The entries read before stay.`,
      );
    }
    // Others have been given in the meantime.
    if (paths !== this.#blocklistPaths) return;
    // One that was changed again in the meantime is read at the next look.
    const isFirst = this.#blockLists === null;
    this.#blockLists = lists;
    if (isFirst) this.#detection.watchBlockLists(() => this.#blockLists!);
    noteLists(lists, isFirst ? "read" : "read again");
  }

  #newLists(): BlockLists {
    return new BlockLists(this.#options.seed, (text) => note("warning", text));
  }

  #tellFindings(): void {
    if (this.#found.length === 0) return;
    post({ type: "findings", findings: this.#found });
    this.#found = [];
  }

  #tellState(): void {
    const judged = this.#detection.takeJudged();
    if (judged.length > 0) post({ type: "windows", judged });
    post({ type: "state", state: this.#detection.state() });
  }

  #readModel(): Uint8Array | null {
    if (this.#options.modelPath === null) return null;
    const { model, problem } = readModel(this.#options.modelPath);
    if (problem !== "") note("warning", `${problem} Anomalies are learnt anew.`);
    return model;
  }

  #saveModel(): void {
    const path = this.#options.modelPath;
    const model = path === null ? null : this.#detection.saveModel();
    if (path === null || model === null) return;
    this.#savedTick = this.#ticks;
    this.#savedFittedUs = this.#detection.state().modelFittedUs;
    try {
      writeModel(path, model);
    } catch (error) {
      note("warning", `The model cannot be saved to ${path}: ${(error as Error).message}.`);
    }
  }
}

function noteLists({ state: { lists, entries, badLines } }: BlockLists, done: string): void {
  const bad = badLines === 0 ? "" : `, ${counted(badLines, "line")} without one`;
  note("info", `${counted(lists, "block list")} ${done}: ${formatCount(entries)} entries${bad}.`);
}

function note(severity: "info" | "warning", text: string): void {
  post({ type: "note", severity, text });
}

function post(message: DetectToMain): void {
  self.postMessage(message);
}

let thread: DetectThread | null = null;
let processes: ProcessThread | null = null;

// What the system has lent the process would stay with it.
self.addEventListener("error", () => processes?.close());

collectGarbage();

self.onmessage = ({ data }: MessageEvent<MainToDetect>) => {
  if (data.type === "start") thread = new DetectThread(data.options, data.pipelines);
  else if (data.type === "processes") {
    processes = new ProcessThread(data.look, (news) => post({ type: "processes", news }));
  } else if (data.type === "blocklists") thread?.setBlocklists(data.paths);
  else if (data.type === "ownAddresses") thread?.setOwn(data.addresses);
  else if (data.type === "stop") thread?.end();
  else {
    processes?.close();
    self.close();
  }
};
