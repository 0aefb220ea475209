/** A ClickHouse server over HTTP, by plain fetch: statements, inserts as rows of bytes (row_binary.ts), answers as rows. Works from 18.16 on. */
import { StoreError } from "../../store/failure.ts";
import type { HubStoreConfig } from "../../option_values.ts";

export type ClickHouseConfig = Extract<HubStoreConfig, { readonly kind: "clickhouse" }>;

const answerMs = 60_000;

export class ClickHouse {
  readonly #config: ClickHouseConfig;

  constructor(config: ClickHouseConfig) {
    this.#config = config;
  }

  get database(): string {
    return this.#config.database;
  }

  /** Throws StoreError, "busy" whatever it is: nothing is given up because a server refuses it. */
  async run(sql: string, body: Uint8Array<ArrayBuffer> | null = null): Promise<string> {
    const { url, user, password } = this.#config;
    const address = `${url}/${body === null ? "" : `?query=${encodeURIComponent(sql)}`}`;
    let response: Response;
    let text: string;
    try {
      response = await fetch(address, {
        method: "POST",
        headers: {
          "X-ClickHouse-User": user,
          ...(password !== "" && { "X-ClickHouse-Key": password }),
        },
        body: body ?? sql,
        signal: AbortSignal.timeout(answerMs),
      });
      text = await response.text();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new StoreError("busy", `ClickHouse at ${url} cannot be reached: ${reason}`);
    }
    if (response.ok) return text;
    const said = text.trim().slice(0, 300);
    throw new StoreError("busy", `ClickHouse at ${url} refuses: ${said}`);
  }

  /** Rows as objects by column name; whole numbers beyond 2^53 come as texts. */
  async rows<Row>(sql: string): Promise<Row[]> {
    const text = await this.run(`${sql} FORMAT JSONEachRow`);
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Row);
  }
}

/** A text as a literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
