/** A clickhouse-server of a test's own, on loopback. */
import { join } from "node:path";
import { freePort } from "../../../tests/program.ts";
import type { ClickHouseConfig } from "../hub/clickhouse.ts";
import { until } from "./engine.ts";

const program = ["/usr/sbin/clickhouse-server", "/usr/bin/clickhouse-server"].find((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

/** For `ignore` of a test; says so loudly, once. */
export const hasNoClickHouse = program === undefined;
if (hasNoClickHouse) {
  console.error("SKIPPED: tests with a real clickhouse-server, for there is none. deno task setup");
}

export class TestClickHouse {
  readonly #path: string;
  readonly #port: number;
  #process: Deno.ChildProcess | null = null;

  private constructor(path: string, port: number) {
    this.#path = path;
    this.#port = port;
  }

  static async start(): Promise<TestClickHouse> {
    const path = Deno.makeTempDirSync({ prefix: "tapwatch-clickhouse-" });
    const server = new TestClickHouse(path, freePort());
    server.#writeConfig();
    await server.run();
    return server;
  }

  get config(): ClickHouseConfig {
    const url = `http://127.0.0.1:${this.#port}`;
    return { kind: "clickhouse", url, user: "default", database: "tapwatch", password: "" };
  }

  async run(): Promise<void> {
    this.#process = new Deno.Command(program!, {
      args: [`--config-file=${join(this.#path, "config.xml")}`],
      cwd: this.#path,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(() => this.#answers(), "clickhouse-server");
  }

  async stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    this.#process?.kill(signal);
    await this.#process?.status;
    this.#process = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    Deno.removeSync(this.#path, { recursive: true });
  }

  #writeConfig(): void {
    const at = (name: string) => join(this.#path, name);
    Deno.writeTextFileSync(
      at("config.xml"),
      `<yandex>
  <logger><level>error</level><log>${at("server.log")}</log><errorlog>${
        at("error.log")
      }</errorlog></logger>
  <http_port>${this.#port}</http_port><tcp_port>${freePort()}</tcp_port>
  <listen_host>127.0.0.1</listen_host>
  <path>${at("data")}/</path><tmp_path>${at("tmp")}/</tmp_path>
  <users_config>${at("users.xml")}</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
  <mark_cache_size>268435456</mark_cache_size>
</yandex>`,
    );
    Deno.writeTextFileSync(
      at("users.xml"),
      `<yandex><profiles><default/></profiles><quotas><default/></quotas>
  <users><default><password></password><networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile><quota>default</quota></default></users></yandex>`,
    );
  }

  async #answers(): Promise<boolean> {
    try {
      const response = await fetch(`${this.config.url}/ping`);
      return (await response.text()).startsWith("Ok");
    } catch {
      return false;
    }
  }
}
