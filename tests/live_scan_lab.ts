/**
 * Two network namespaces with one cable, for real scans: the scanner has an address for each kind of scan, so that the
 * findings can be told apart; the sensor is the scanned host, with a web server that a client uses all the while.
 *
 *     sensor  tw0 10.92.0.1 ---- tw0 10.92.1.1, 10.92.1.11 … 10.92.1.40  scanner
 *
 * 10.93.0.0/24 leads to the sensor, where nobody has these addresses: packets there stay unanswered.
 */
import { mustRun, OutputText, patiently, Program, runCommand, spawn } from "./program.ts";

export const sensorAddress = "10.92.0.1";
export const clientAddress = "10.92.1.1";

export class ScanLab implements AsyncDisposable {
  readonly #sensor = `tw${Deno.pid}v`;
  readonly #scanner = `tw${Deno.pid}a`;
  readonly #children: Deno.ChildProcess[] = [];

  static async create(): Promise<ScanLab> {
    const lab = new ScanLab();
    try {
      await lab.#connect();
      await lab.#serve();
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What starts a command on the sensor's side. */
  get onSensor(): readonly string[] {
    return ["ip", "netns", "exec", this.#sensor];
  }

  /** Runs nmap as the scanner to its end. */
  async scan(...args: string[]): Promise<void> {
    await mustRun(
      "ip",
      "netns",
      "exec",
      this.#scanner,
      "nmap",
      "-n",
      "--max-retries",
      "1",
      ...args,
    );
  }

  /** The findings that a program on the sensor's side tells from now on. */
  watchFindings(program: Program): FindingWatcher {
    const code = watcherCode(program.url);
    const child = this.#start(this.#sensor, Deno.execPath(), "eval", "--no-lock", code);
    return new FindingWatcher(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended
      }
      await child.output().catch(() => child.status);
    }
    for (const name of [this.#sensor, this.#scanner]) {
      await runCommand(["ip", "netns", "del", name]);
    }
  }

  #start(namespace: string, ...command: string[]): Deno.ChildProcess {
    const child = spawn(["ip", "netns", "exec", namespace, ...command], {});
    this.#children.push(child);
    return child;
  }

  async #connect(): Promise<void> {
    const inside = (name: string, ...command: string[]) =>
      mustRun("ip", "netns", "exec", name, ...command);
    for (const name of [this.#sensor, this.#scanner]) {
      await mustRun("ip", "netns", "add", name);
      await inside(name, "ip", "link", "set", "lo", "up");
      await inside(name, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1");
    }
    const peer = ["peer", "name", "tw0", "netns", this.#scanner];
    await mustRun("ip", "link", "add", "tw0", "netns", this.#sensor, "type", "veth", ...peer);
    await inside(this.#sensor, "ip", "address", "add", `${sensorAddress}/16`, "dev", "tw0");
    await inside(this.#scanner, "ip", "address", "add", `${clientAddress}/16`, "dev", "tw0");
    for (let host = 11; host <= 40; host++) {
      await inside(this.#scanner, "ip", "address", "add", `10.92.1.${host}/16`, "dev", "tw0");
    }
    for (const name of [this.#sensor, this.#scanner]) {
      await inside(name, "ip", "link", "set", "tw0", "up");
    }
    await inside(this.#sensor, "ip", "route", "add", "default", "via", clientAddress);
    await inside(this.#scanner, "ip", "route", "add", "10.93.0.0/24", "via", sensorAddress);
    // One ICMP error a second to each host would make UDP scans take minutes.
    await inside(this.#sensor, "sysctl", "-qw", "net.ipv4.icmp_ratelimit=0");
  }

  async #serve(): Promise<void> {
    const server = this.#start(this.#sensor, Deno.execPath(), "eval", "--no-lock", serverCode);
    await new OutputText(server.stdout).waitFor(/ready/);
    server.stderr.cancel();
    const client = this.#start(this.#scanner, Deno.execPath(), "eval", "--no-lock", clientCode);
    await new OutputText(client.stdout).waitFor(/page/);
    client.stderr.cancel();
  }
}

/** An event of `/api/events`: "scan" or "anomaly", with a row of the list of that name. */
export interface FindingEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

class FindingWatcher {
  readonly #lines: OutputText;
  readonly #child: Deno.ChildProcess;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#lines = new OutputText(child.stdout);
    child.stderr.cancel();
  }

  /** Waits until all devices are captured on and the stream of events is open. */
  async ready(): Promise<void> {
    await this.#lines.waitFor(/^open$/m);
  }

  /** Waits for the first finding of which `isTrue`, those that have come included. */
  async until(what: string, isTrue: (finding: FindingEvent) => boolean): Promise<FindingEvent> {
    const { promise, resolve, reject } = Promise.withResolvers<FindingEvent>();
    this.#lines.onText((text) => {
      const found = eventsIn(text).find(isTrue);
      if (found) resolve(found);
    });
    this.#child.status.then(({ code }) => reject(new Error(`The watcher ended with ${code}`)));
    return await patiently(what, promise);
  }

  /** All that have come. */
  get findings(): readonly FindingEvent[] {
    return eventsIn(this.#lines.text);
  }
}

function eventsIn(text: string): FindingEvent[] {
  return text.slice(0, text.lastIndexOf("\n") + 1).split("\n").filter((line) =>
    line.startsWith("{")
  )
    .map((line) => JSON.parse(line) as FindingEvent);
}

const serverCode = `
Deno.serve({ hostname: "0.0.0.0", port: 80, onListen() { console.log("ready"); } },
  () => new Response("hello".repeat(1000), { headers: { connection: "close" } }));
`;

const clientCode = `
for (;;) {
  const response = await fetch("http://${sensorAddress}/page", { headers: { connection: "close" } });
  await response.text();
  console.log("page");
  await new Promise((resolve) => setTimeout(resolve, 100));
}
`;

function watcherCode(url: string): string {
  return `
const metrics = async () => await (await fetch("${url}/metrics")).text();
while (!/^tapwatch_capture_up.* 1$/m.test(await metrics()) || /^tapwatch_capture_up.* 0$/m.test(await metrics())) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
const events = await fetch("${url}/api/events");
console.log("open");
let text = "";
for await (const piece of events.body.pipeThrough(new TextDecoderStream())) {
  text += piece;
  const blocks = text.split("\\n\\n");
  text = blocks.pop();
  for (const block of blocks) {
    const event = block.match(/^event: (scan|anomaly)$/m)?.[1];
    const data = block.match(/^data: (.*)$/m)?.[1];
    if (event && data) console.log(JSON.stringify({ event, data: JSON.parse(data) }));
  }
}`;
}
