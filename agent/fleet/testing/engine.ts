/** A nats-server of a test's own, on loopback, with a fleet made as `tapwatch fleet` makes it. */
import { createUser } from "@nats-io/nkeys";
import { join } from "node:path";
import { freePort, patienceMs } from "../../../tests/program.ts";
import { type Credentials, readCredentials } from "../credentials.ts";
import { FleetFolder } from "../fleet_folder.ts";
import { readServer } from "../servers.ts";
import { makeStreams } from "../streams_admin.ts";

/** Undefined where there is none. */
export const engineProgram = [
  "/usr/sbin/nats-server",
  "/usr/bin/nats-server",
  "/usr/local/bin/nats-server",
]
  .find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });

/** For `ignore` of a test; says so loudly, once. */
export const hasNoEngine = engineProgram === undefined;
if (hasNoEngine) {
  console.error("SKIPPED: tests with a real nats-server, for there is none. deno task setup");
}

export function makeKey(): { seed: string; key: string } {
  const pair = createUser();
  return { seed: new TextDecoder().decode(pair.getSeed()), key: pair.getPublicKey() };
}

export class TestEngine {
  readonly path: string;
  readonly port: number;
  readonly folder: FleetFolder;
  #process: Deno.ChildProcess | null = null;

  private constructor(path: string, port: number) {
    this.path = path;
    this.port = port;
    this.folder = new FleetFolder(join(path, "fleet"));
  }

  /** Makes a fleet, starts the server and makes the streams. */
  static async start(): Promise<TestEngine> {
    const path = Deno.makeTempDirSync({ prefix: "tapwatch-fleet-" });
    const engine = new TestEngine(path, freePort());
    engine.folder.init({
      servers: [readServer(engine.url)],
      storeGb: 1,
      makeKey,
      nowMs: Date.now(),
    });
    await engine.run();
    await engine.makeStreams();
    return engine;
  }

  get url(): string {
    return `tls://127.0.0.1:${this.port}`;
  }

  get configFile(): string {
    return join(this.folder.path, "nats-server.conf");
  }

  get pid(): number {
    return this.#process!.pid;
  }

  makeStreams(): Promise<string[]> {
    const credentials = this.credentials("admin");
    return makeStreams(credentials, { servers: [this.url], storeGb: 1, replicas: 1 });
  }

  /** As if nothing had ever been sent; ends all connections. */
  async empty(): Promise<void> {
    await this.stop();
    this.loseDisk();
    await this.run();
    await this.makeStreams();
  }

  /** Lets an agent in, for the server once reload() is called. */
  enroll(name: string): { readonly id: string; readonly file: string } {
    const { agent, file } = this.folder.enroll(name, makeKey, Date.now() * 1000);
    return { id: agent.id, file };
  }

  credentials(name: string): Credentials {
    const isAgent = name !== "admin" && name !== "hub";
    const file = join(this.folder.path, isAgent ? `agents/${name}.json` : `${name}.json`);
    return readCredentials(file, isAgent ? "agent" : name);
  }

  async run(): Promise<void> {
    this.#process = new Deno.Command(engineProgram!, {
      args: ["-c", this.configFile, "-l", join(this.path, "engine.log")],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(() => this.#answers(), "nats-server");
  }

  async reload(): Promise<void> {
    const log = join(this.path, "engine.log");
    const count = () => Deno.readTextFileSync(log).split("Reloaded: ").length;
    const before = count();
    this.#process!.kill("SIGHUP");
    await until(() => count() > before, "the reload");
  }

  async stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    this.#process?.kill(signal);
    await this.#process?.status;
    this.#process = null;
  }

  /** All that the server had stored. */
  loseDisk(): void {
    Deno.removeSync(join(this.folder.path, "jetstream"), { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    Deno.removeSync(this.path, { recursive: true });
  }

  async #answers(): Promise<boolean> {
    try {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
      connection.close();
      return true;
    } catch {
      return false;
    }
  }
}

/** Throws when it does not come true in time. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what: string,
  ms = patienceMs,
): Promise<void> {
  const end = Date.now() + ms;
  while (!await isTrue()) {
    if (Date.now() > end) throw new Error(`${what} did not come within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
