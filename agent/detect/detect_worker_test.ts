import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { tinyDetectorModule, tinyModel } from "../../tests/tiny_detector.ts";
import type {
  DetectOptions,
  DetectToMain,
  ObservationsMessage,
  ObservationsReturnMessage,
} from "../messages.ts";
import { Transport } from "../records.ts";
import { CONTACT_WORDS, Mark, ObservationKind, SHORT_WORDS } from "./observation.ts";

const worker = JSON.stringify(new URL("./detect_worker.ts", import.meta.url).href);
const code = `import ${worker};${tinyDetectorModule}`;
const second = 1_767_225_600;

/** Rows of a contact of 10.0.0.1 with 10.0.0.2 and of the tick a second later. */
function contactAndTick(): ObservationsMessage {
  const words = new Int32Array(1000);
  words.set([CONTACT_WORDS << 16 | Transport.tcp << 8 | ObservationKind.contact, second, 0]);
  words.set([0, 0, 0xffff, 0x0a000001, 0, 0, 0xffff, 0x0a000002, 40_000 << 16 | 80, 77], 3);
  words[13] = Mark.isNew;
  words.set([SHORT_WORDS << 16 | ObservationKind.tick, second + 1], CONTACT_WORDS);
  return { type: "observations", words, length: CONTACT_WORDS + SHORT_WORDS };
}

class Harness implements Disposable {
  readonly said: DetectToMain[] = [];
  readonly returned: ObservationsReturnMessage[] = [];
  readonly stopped = Promise.withResolvers<void>();
  readonly #worker: Worker;
  readonly #port: MessagePort;
  #onReturn = () => {};

  constructor(options: Partial<DetectOptions> = {}) {
    this.#worker = new Worker(`data:application/javascript,${encodeURIComponent(code)}`, {
      type: "module",
    });
    this.#worker.onmessage = ({ data }: MessageEvent<DetectToMain>) => {
      this.said.push(data);
      if (data.type === "stopped") this.stopped.resolve();
    };
    const { port1, port2 } = new MessageChannel();
    this.#port = port2;
    port2.onmessage = ({ data }: MessageEvent<ObservationsReturnMessage>) => {
      this.returned.push(data);
      this.#onReturn();
    };
    const defaults: DetectOptions = {
      isLive: false,
      anomalyQuantile: 0.99,
      seed: 1,
      modelPath: null,
      blocklists: [],
      ownAddresses: [],
    };
    this.#worker.postMessage(
      { type: "start", options: { ...defaults, ...options }, pipelines: [port1] },
      [port1],
    );
  }

  /** Sends observations and waits until their buffer has come back. */
  async observe(message: ObservationsMessage): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onReturn = resolve;
    this.#port.postMessage(message, [message.words.buffer]);
    await promise;
  }

  end(how: "port" | "main" = "port"): Promise<void> {
    if (how === "port") this.#port.postMessage({ type: "end" });
    else this.#worker.postMessage({ type: "stop" });
    return this.stopped.promise;
  }

  get findings() {
    return this.said.flatMap((message) => message.type === "findings" ? message.findings : []);
  }

  get notes(): string[] {
    return this.said.flatMap((message) => message.type === "note" ? [message.text] : []);
  }

  [Symbol.dispose](): void {
    this.#port.close();
    this.#worker.terminate();
  }
}

Deno.test("the detect thread tells findings as they come and gives the buffers back", async () => {
  using harness = new Harness();
  const message = contactAndTick();
  await harness.observe(message);
  strictEqual(message.words.length, 0);
  strictEqual(harness.returned[0]!.words.length, 1000);
  await harness.end();
  deepStrictEqual(harness.findings.slice(0, 4).map(({ id, kind, isOpen }) => [id, kind, isOpen]), [
    [1, "scan", true],
    [2, "brute_force", true],
    [1, "scan", true],
    [2, "brute_force", true],
  ]);
  const [first, , grown] = harness.findings;
  strictEqual(first!.reason, "A host met \\x1b[1manother.");
  deepStrictEqual(
    [first!.sources, first!.flowIds, first!.lastUs, grown!.lastUs],
    [["10.0.0.1"], [77], second * 1e6, (second + 1) * 1e6],
  );
});

for (const how of ["port", "main"] as const) {
  Deno.test(`at the end that the ${how} tells, what is open is closed before the thread says it has stopped`, async () => {
    using harness = new Harness();
    await harness.observe(contactAndTick());
    await harness.end(how);
    deepStrictEqual(harness.findings.slice(-2).map(({ id, isOpen }) => [id, isOpen]), [
      [1, false],
      [2, false],
    ]);
    const [state, stopped] = harness.said.slice(-2);
    deepStrictEqual(stopped, { type: "stopped" });
    ok(state?.type === "state");
    const { observations, findings, findingsOpen, stateBytes } = state.state;
    deepStrictEqual([observations, findings, findingsOpen, stateBytes], [1, 2, 0, 64]);
  });
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the model is saved at the end and read by the next thread", () =>
  withFolder(async (folder) => {
    const modelPath = `${folder}/model.bin`;
    for (let run = 0; run < 2; run++) {
      using harness = new Harness({ modelPath });
      await harness.end();
      deepStrictEqual(harness.notes, []);
      deepStrictEqual(await Deno.readFile(modelPath), tinyModel);
    }
    deepStrictEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["model.bin"]);
  }));

Deno.test("a model that cannot be used, read or saved is told, and detection goes on without it", () =>
  withFolder(async (folder) => {
    const modelPath = `${folder}/model.bin`;
    await Deno.writeFile(modelPath, Uint8Array.of(1, 2, 3));
    using foreign = new Harness({ modelPath });
    await foreign.end();
    deepStrictEqual(foreign.notes, ["No model of ours."]);
    await Deno.remove(modelPath);
    await Deno.mkdir(modelPath);
    using unreadable = new Harness({ modelPath });
    await unreadable.observe(contactAndTick());
    await unreadable.end();
    strictEqual(unreadable.findings.length, 8);
    match(unreadable.notes[0]!, /model\.bin cannot be read: .* Anomalies are learnt anew\./);
    match(unreadable.notes[1]!, /The model cannot be saved to /);
  }));
