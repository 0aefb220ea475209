/**
 * `tapwatch self-test`: a made-up scan goes through all of the program, its threads, database, event stream and channels, in a
 * folder of its own that is removed afterwards. It needs no device, sends nothing on the network but the marked alert, and
 * leaves a program that runs beside it, and its results, alone.
 */
import { join } from "node:path";
import type { Channel } from "../alert/channel.ts";
import { createDashboard } from "../../dashboard.ts";
import type { Config } from "../config.ts";
import { messageOf, RunError } from "../errors.ts";
import { LiveState } from "../live_state.ts";
import { Log } from "../log.ts";
import type { Alert } from "../records.ts";
import { StoreQueries } from "../store/queries.ts";
import { readHere } from "../store/reader.ts";
import { AlertHost } from "./alert_host.ts";
import { makeChannels } from "./channels.ts";
import { databasePath } from "./results_folder.ts";
import { scanNetwork, scanSource, selfTestCapture } from "./self_test_scan.ts";
import { Supervisor } from "./supervisor.ts";
import { NO_OPEN_FLOWS } from "../search/open_flows.ts";

export interface StageResult {
  readonly name: "detected" | "stored" | "shown" | "sent";
  /** Null where there was nothing to try. */
  readonly isOk: boolean | null;
  /** What was seen, or what is wrong. */
  readonly text: string;
  /** Since the scan began; null where it was not reached. */
  readonly tookMs: number | null;
}

interface SelfTestOptions {
  readonly config: Config;
  readonly log: Log;
  /** What is played instead of a device. */
  readonly capture: Uint8Array;
  /** Longest that each stage may take. */
  readonly patienceMs: number;
  /** Takes each result as soon as it is known. */
  readonly onResult: (result: StageResult) => void;
}

const patienceMs = 20_000;
/** A channel may take a minute (see Channel). */
const sendMs = 65_000;

/** Prints a line for each stage. Throws RunError when one has failed. */
export async function runSelfTest(config: Config): Promise<void> {
  const isColoured = Deno.stdout.isTerminal() && !Deno.noColor;
  console.log(
    `A made-up scan by ${scanSource} goes through a tapwatch of its own; nothing of it is on the network or in the results.`,
  );
  const results: StageResult[] = [];
  await selfTest({
    config,
    log: new Log({ level: "warning", format: config.logFormat }),
    capture: selfTestCapture(Date.now() * 1000),
    patienceMs,
    onResult: (result) => {
      results.push(result);
      console.log(resultLine(result, isColoured));
    },
  });
  const failed = results.filter(({ isOk }) => isOk === false);
  if (failed.length > 0) {
    throw new RunError(`${failed.length} of ${results.length} stages failed.`);
  }
}

/** "ok      detected   0.62 s  …" */
export function resultLine(
  { name, isOk, text, tookMs }: StageResult,
  isColoured: boolean,
): string {
  const [word, colour] = isOk === null ? ["-", 0] : isOk ? ["ok", 32] : ["FAILED", 31];
  const shown = isColoured && colour > 0
    ? `\x1b[${colour}m${word.padEnd(6)}\x1b[0m`
    : word.padEnd(6);
  const took = tookMs === null ? "" : `${(tookMs / 1000).toFixed(2)} s`;
  return `${shown}  ${name.padEnd(8)}  ${took.padStart(7)}  ${text}`;
}

/** Throws RunError when there is no folder to work in, and what stands against a start. */
export async function selfTest(options: SelfTestOptions): Promise<void> {
  const folder = makeFolder();
  try {
    const path = join(folder, "self-test.pcap");
    await Deno.writeFile(path, options.capture);
    await runIn(folder, path, options);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function makeFolder(): string {
  try {
    return Deno.makeTempDirSync({ prefix: "tapwatch-self-test-" });
  } catch (error) {
    throw new RunError(
      `The self-test finds no folder to work in: ${
        (error as Error).message
      }. Let TMPDIR name one that can be written.`,
      { cause: error },
    );
  }
}

async function runIn(folder: string, path: string, options: SelfTestOptions): Promise<void> {
  const { log } = options;
  const config: Config = {
    ...options.config,
    command: "replay",
    operands: [path],
    resultsFolder: folder,
    speed: 1,
    homeNets: [scanNetwork],
    logPackets: "all",
  };
  const live = new LiveState("replay");
  const queries = new StoreQueries(databasePath(folder));
  const channels = (await makeChannels(config, { live, queries }))
    .map((channel) => new TestChannel(channel));
  const supervisor: Supervisor = new Supervisor({
    config,
    input: { kind: "file", path, speed: config.speed, file: null },
    live,
    log,
    queries,
    onStoreBegan: () => alerts.storeBegan(),
    onAlertsTaken: (sequence, isWritten) => alerts.storeTook(sequence, isWritten),
  });
  const alerts: AlertHost = new AlertHost({
    channels,
    policy: {
      severity: "info",
      intervalUs: 0,
      perHourMax: 1000,
      quietHours: null,
      minuteOfDay: () => 0,
    },
    anomalyThresholdPct: config.anomalyThresholdPct,
    live,
    queries,
    sendToStore: (message) => supervisor.sendToStore(message),
    note: (text) => log.warning(text),
  });
  const stages = new Stages(options, { live, queries, alerts, folder });
  try {
    stages.watch();
    await supervisor.start();
    alerts.start();
    await Promise.race([stages.finish(channels), supervisor.failure]);
  } finally {
    stages.close();
    await alerts.stop();
    await supervisor.stop();
    queries.close();
  }
}

interface Parts {
  readonly live: LiveState;
  readonly queries: StoreQueries;
  readonly alerts: AlertHost;
  readonly folder: string;
}

const pollMs = 20;

class Stages {
  readonly #options: SelfTestOptions;
  readonly #parts: Parts;
  readonly #dashboard;
  readonly #detected = Promise.withResolvers<string>();
  readonly #shown = Promise.withResolvers<string>();
  #unsubscribe = () => {};
  #isClosed = false;
  #startedMs = performance.now();

  constructor(options: SelfTestOptions, parts: Parts) {
    const { live, queries, alerts, folder } = parts;
    this.#options = options;
    this.#parts = parts;
    this.#dashboard = createDashboard({
      live,
      queries: readHere(queries),
      alerts,
      options: {
        host: "127.0.0.1",
        port: 0,
        password: null,
        resultsFolder: folder,
        hostname: "self-test",
        replay: { file: "self-test.pcap", speed: 1 },
        loopbackNote: "",
        anomalyThresholdPct: 10,
        telling: { severity: "info", intervalS: 0, perHourMax: 1000, quietHours: "" },
      },
      note: () => {},
      openFlows: () => Promise.resolve(NO_OPEN_FLOWS),
      ringSpan: () => null,
      hasEvidence: () => false,
      readPacket: () => Promise.resolve(null),
      exportPcap: () => Promise.reject(new Error("The self-test keeps no packets.")),
    });
  }

  /** Listens as a person's page does, and for the detectors. */
  watch(): void {
    this.#unsubscribe = this.#parts.live.subscribe((event) => {
      if (event.type !== "scan" || !event.data.sources.includes(scanSource)) return;
      this.#detected.resolve(event.data.reason);
    });
    this.#shown.promise.catch(() => {}); // raised where it is waited for
    this.#readStream().catch((error) => this.#shown.reject(error));
    this.#startedMs = performance.now();
  }

  /** Tells each stage as it is reached or given up. */
  async finish(channels: readonly TestChannel[]): Promise<void> {
    const tell = this.#options.onResult;
    const detected = await this.#stage("detected", this.#detected.promise, "no scan was found");
    tell(detected);
    if (!detected.isOk) {
      for (const name of ["stored", "shown", "sent"] as const) {
        tell({ name, isOk: null, text: "not reached", tookMs: null });
      }
      return;
    }
    tell(await this.#stage("stored", this.#stored(), "the incident is not in the database"));
    tell(await this.#stage("shown", this.#shown.promise, "the event stream did not bring it"));
    if (channels.length === 0) {
      const text = "no channel is set up: nobody would be told (--smtp-url, --webhook, --syslog)";
      return tell({ name: "sent", isOk: null, text, tookMs: null });
    }
    await Promise.all(channels.map(async ({ name, outcome }) => {
      const words = outcome.then((text) => `${name}: ${text}`, (error) => {
        throw new Error(`${name}: ${messageOf(error)}`);
      });
      tell(await this.#stage("sent", words, `${name}: it did not answer`, sendMs));
    }));
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#dashboard.closeStreams();
  }

  async #stage(
    name: StageResult["name"],
    reached: Promise<string>,
    missing: string,
    waitMs = this.#options.patienceMs,
  ): Promise<StageResult> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const limitMs = Math.max(waitMs, this.#options.patienceMs);
    const timer = setTimeout(
      () => reject(new Error(`${missing} within ${limitMs / 1000} s`)),
      limitMs,
    );
    try {
      const text = await Promise.race([reached, late]);
      return { name, isOk: true, text, tookMs: performance.now() - this.#startedMs };
    } catch (error) {
      const tookMs = performance.now() - this.#startedMs;
      return { name, isOk: false, text: messageOf(error), tookMs };
    } finally {
      clearTimeout(timer);
    }
  }

  async #stored(): Promise<string> {
    const { queries } = this.#parts;
    while (!this.#isClosed) {
      const [incident] = queries.incidents({ actor: scanSource, limit: 1 }).rows;
      const scans = queries.scans({ source: scanSource, limit: 1 }).rows.length;
      if (incident && scans > 0) return `incident ${incident.id} and its scan are in the database`;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    return "";
  }

  async #readStream(): Promise<void> {
    const request = new Request("http://127.0.0.1/api/events", { headers: { host: "127.0.0.1" } });
    const response = await this.#dashboard.handler(request, {
      remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 0 },
      completed: Promise.resolve(),
    });
    if (!response.ok || !response.body) throw new Error(`/api/events answered ${response.status}`);
    let text = "";
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      text += piece;
      const events = text.split("\n\n");
      text = events.pop()!;
      const incident = events.find((event) =>
        event.startsWith("event: incident\n") && event.includes(`"${scanSource}"`)
      );
      if (incident) this.#shown.resolve("the event stream brought the incident");
    }
  }
}

/** Sends the first alert of the incident, marked, and tells what became of it; others go nowhere. */
class TestChannel implements Channel {
  readonly name: string;
  readonly #channel: Channel;
  readonly #outcome = Promise.withResolvers<string>();
  #isUsed = false;

  constructor(channel: Channel) {
    this.name = channel.name;
    this.#channel = channel;
    this.#outcome.promise.catch(() => {}); // raised where it is waited for
  }

  /** The server's words. Rejects with what went wrong at the first try. */
  get outcome(): Promise<string> {
    return this.#outcome.promise;
  }

  async send(alert: Alert): Promise<string> {
    if (this.#isUsed || alert.kind !== "incident") return "left out";
    this.#isUsed = true;
    try {
      const words = await this.#channel.send(marked(alert));
      this.#outcome.resolve(words);
      return words;
    } catch (error) {
      this.#outcome.reject(error);
      return "told";
    }
  }

  close(): void {
    this.#channel.close?.();
  }
}

function marked(alert: Alert): Alert {
  return {
    ...alert,
    kind: "test",
    trigger: "test",
    severity: "info",
    incidentId: null,
    headline: `Self-test: ${alert.headline}`,
    detail: `tapwatch self-test made this scan up. Its addresses (${scanSource}, ${scanNetwork}) ` +
      "are nobody's, and nothing of it was on the network.",
    reason: "Somebody has run tapwatch self-test.",
  };
}
