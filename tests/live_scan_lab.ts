/**
 * Two network namespaces with one cable, for real scans: the scanner has an address for each kind of scan, so that the
 * findings can be told apart; the sensor is the scanned host, with a web server that a client uses all the while.
 *
 *     sensor  tw0 10.92.0.1 ---- tw0 10.92.1.1, 10.92.1.11 … 10.92.1.40  scanner
 *
 * 10.93.0.0/24 leads to the sensor, where nobody has these addresses: packets there stay unanswered.
 */
import { Lab } from "./lab.ts";
import { OutputText, Program } from "./program.ts";

export const sensorAddress = "10.92.0.1";
export const clientAddress = "10.92.1.1";

export class ScanLab extends Lab {
  static create(): Promise<ScanLab> {
    return Lab.ready(new ScanLab("s"), async (lab) => {
      await lab.#connect();
      await lab.serve("sensor", serverCode);
      await lab.serve("scanner", clientCode);
    });
  }

  /** What starts a command on the sensor's side. */
  get onSensor(): readonly string[] {
    return this.on("sensor");
  }

  /** Runs nmap as the scanner to its end. */
  async scan(...args: string[]): Promise<void> {
    await this.run("scanner", "nmap", "-n", "--max-retries", "1", ...args);
  }

  /** The findings that a program on the sensor's side tells from now on. */
  watchFindings(program: Program): FindingWatcher {
    return new FindingWatcher(this.startCode("sensor", watcherCode(program.url)));
  }

  async #connect(): Promise<void> {
    await this.addHost("sensor");
    await this.addHost("scanner");
    await this.cable(["sensor", "tw0"], ["scanner", "tw0"]);
    const scannerAddresses = Array.from({ length: 30 }, (_, index) => `10.92.1.${11 + index}/16`);
    await this.setUp("sensor", "tw0", `${sensorAddress}/16`);
    await this.setUp("scanner", "tw0", `${clientAddress}/16`, ...scannerAddresses);
    await this.ip("sensor", "route", "add", "default", "via", clientAddress);
    await this.ip("scanner", "route", "add", "10.93.0.0/24", "via", sensorAddress);
    // One ICMP error a second to each host would make UDP scans take minutes.
    await this.run("sensor", "sysctl", "-qw", "net.ipv4.icmp_ratelimit=0");
  }
}

/** An event of `/api/events`: "scan" or "anomaly", with a row of the list of that name. */
export interface FindingEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

class FindingWatcher {
  readonly #lines: OutputText;

  constructor(child: Deno.ChildProcess) {
    this.#lines = new OutputText(child.stdout);
    child.stderr.cancel();
  }

  /** Waits until all devices are captured on and the stream of events is open. */
  async ready(): Promise<void> {
    await this.#lines.waitFor(/^open$/m);
  }

  /** Waits for the first finding of which `isTrue`, those that have come included. */
  until(what: string, isTrue: (finding: FindingEvent) => boolean): Promise<FindingEvent> {
    return this.#lines.until(what, (text) => eventsIn(text).find(isTrue));
  }

  /** All that have come. */
  get findings(): readonly FindingEvent[] {
    return eventsIn(this.#lines.text);
  }
}

function eventsIn(text: string): FindingEvent[] {
  const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

const serverCode = `
Deno.serve({ hostname: "0.0.0.0", port: 80, onListen() { console.log("ready"); } },
  () => new Response("hello".repeat(1000), { headers: { connection: "close" } }));
`;

const clientCode = `
for (;;) {
  const response = await fetch("http://${sensorAddress}/page", { headers: { connection: "close" } });
  await response.text();
  console.log("ready");
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
