/** Three nats-servers of a test's own that hold each message three times, with a fleet made as `tapwatch fleet` makes it. */
import { join } from "node:path";
import { freePort } from "../../../tests/program.ts";
import { type Credentials, readCredentials } from "../credentials.ts";
import { connectEngine } from "../engine_link.ts";
import { FleetFolder } from "../fleet_folder.ts";
import { readServer } from "../servers.ts";
import { makeStreams } from "../streams_admin.ts";
import { engineProgram, makeKey, until } from "./engine.ts";

interface Node {
  readonly name: string;
  readonly port: number;
  readonly config: string;
  process: Deno.ChildProcess | null;
}

export class TestCluster {
  readonly path: string;
  readonly folder: FleetFolder;
  readonly #nodes: readonly Node[];

  private constructor(path: string) {
    this.path = path;
    this.folder = new FleetFolder(join(path, "fleet"));
    this.#nodes = [1, 2, 3].map((number) => ({
      name: `n${number}`,
      port: freePort(),
      config: join(this.folder.path, `n${number}.conf`),
      process: null,
    }));
  }

  /** `names` are those of agents that are enrolled. */
  static async start(names: readonly string[]): Promise<TestCluster> {
    const cluster = new TestCluster(Deno.makeTempDirSync({ prefix: "tapwatch-cluster-" }));
    cluster.folder.init({
      servers: cluster.servers.map(readServer),
      storeGb: 1,
      makeKey,
      nowMs: Date.now(),
    });
    for (const name of names) cluster.folder.enroll(name, makeKey, Date.now() * 1000);
    cluster.#writeConfigs();
    for (const node of cluster.#nodes) cluster.#run(node);
    await until(() => cluster.#makeStreams(), "the cluster's streams");
    return cluster;
  }

  get servers(): string[] {
    return this.#nodes.map(({ port }) => `tls://127.0.0.1:${port}`);
  }

  credentials(name: "admin" | "hub"): Credentials {
    return readCredentials(join(this.folder.path, `${name}.json`), name);
  }

  /** The node that leads a stream; kill -9, and with its disk gone if so. Returns what starts it again. */
  async killLeader(stream: string, { losesDisk }: { readonly losesDisk: boolean }) {
    const leader = await this.#leaderOf(stream);
    const node = this.#nodes.find(({ name }) => name === leader)!;
    node.process!.kill("SIGKILL");
    await node.process!.status;
    if (losesDisk) Deno.removeSync(this.#storeOf(node), { recursive: true });
    return () => this.#run(node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes) {
      try {
        node.process?.kill("SIGKILL");
      } catch {
        // It was killed before.
      }
      await node.process?.status;
    }
    Deno.removeSync(this.path, { recursive: true });
  }

  #storeOf({ name }: Node): string {
    return join(this.folder.path, `jetstream-${name}`);
  }

  #writeConfigs(): void {
    const single = Deno.readTextFileSync(join(this.folder.path, "nats-server.conf"));
    const ports = this.#nodes.map(() => freePort());
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(", ");
    this.#nodes.forEach((node, at) => {
      const own = single.replace(/^port: \d+/m, `port: ${node.port}\nserver_name: ${node.name}`)
        .replace(/store_dir: "[^"]*"/, `store_dir: ${JSON.stringify(this.#storeOf(node))}`);
      const cluster = `cluster { name: test, listen: "127.0.0.1:${
        ports[at]
      }", routes: [${routes}] }\n`;
      Deno.writeTextFileSync(node.config, own + cluster);
    });
  }

  #run(node: Node): void {
    node.process = new Deno.Command(engineProgram!, {
      args: ["-c", node.config, "-l", join(this.path, `${node.name}.log`)],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  async #makeStreams(): Promise<boolean> {
    const { servers } = this;
    try {
      await makeStreams(this.credentials("admin"), { servers, storeGb: 1, replicas: 3 });
      return true;
    } catch {
      return false;
    }
  }

  async #leaderOf(stream: string): Promise<string> {
    const { servers } = this;
    const connection = await connectEngine({ servers, credentials: this.credentials("hub") });
    try {
      const answer = await connection.request(`$JS.API.STREAM.INFO.${stream}`, undefined, {
        timeout: 5000,
      });
      return answer.json<{ cluster: { leader: string } }>().cluster.leader;
    } finally {
      await connection.close();
    }
  }
}
