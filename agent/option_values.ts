/** What the text of an option means, with a refusal that says what is allowed. All throw UsageError. */
import { parseNetwork } from "./decode/addresses.ts";
import { UsageError } from "./errors.ts";
import { readServer } from "./fleet/servers.ts";
import { nearest } from "./nearest.ts";
import type { OptionSpec } from "./options.ts";

/** Where a value came from, for messages: "--port" or "TAPWATCH_PORT". */
export interface RawValue {
  readonly origin: string;
  readonly value: string | boolean;
}
/** What --home-net takes besides networks, and what holds without it. */
export const HOME_WORDS = ["private", "own"] as const;

export function asText(raw: RawValue, spec: OptionSpec): string {
  const value = String(raw.value);
  if (value === "" && spec.name !== "filter") {
    throw new UsageError(`${raw.origin} must not be empty.`);
  }
  if (value.includes("\0")) throw new UsageError(`${raw.origin} must not hold a NUL byte.`);
  if (spec.choices && !spec.choices.includes(value)) {
    const hint = nearest(value, spec.choices);
    throw new UsageError(
      `${raw.origin} must be one of ${spec.choices.join(", ")}, got ${quote(value)}.` +
        (hint ? ` Did you mean ${hint}?` : ""),
    );
  }
  return value;
}

export function asNumber(raw: RawValue, spec: OptionSpec): number {
  const value = String(raw.value).trim();
  const number = /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : NaN;
  const isGood = Number.isFinite(number) && number >= spec.min! && number <= spec.max! &&
    (spec.kind === "number" || Number.isInteger(number));
  if (isGood) return number;
  const what = spec.kind === "number" ? "a number" : "a whole number";
  throw new UsageError(
    `${raw.origin} must be ${what} from ${spec.min} to ${spec.max}, got ${quote(value)}.`,
  );
}

export function asBoolean(raw: RawValue): boolean {
  if (typeof raw.value === "boolean") return raw.value;
  const value = raw.value.toLowerCase();
  if (["1", "true", "yes", "on"].includes(value)) return true;
  if (["0", "false", "no", "off"].includes(value)) return false;
  throw new UsageError(`${raw.origin} must be 1 or 0, got ${quote(raw.value)}.`);
}

export function asSpeed(raw: RawValue): number {
  if (raw.value === "max") return 0;
  const speed = Number(raw.value);
  if (speed > 0 && speed <= 1e6) return speed;
  throw new UsageError(
    `${raw.origin} must be max or a number above 0 (1 is the capture's own speed), got ${
      quote(raw.value)
    }.`,
  );
}

export function asTimeUs(raw: RawValue): number {
  const ms = Date.parse(String(raw.value));
  if (Number.isFinite(ms)) return ms * 1000;
  throw new UsageError(
    `${raw.origin} must be a time such as 2026-11-22T14:00:00Z, got ${quote(raw.value)}.`,
  );
}

export function asHomeNet(raw: RawValue): string {
  const value = String(raw.value).trim();
  if (HOME_WORDS.some((word) => word === value) || parseNetwork(value) !== null) return value;
  const hint = nearest(value, HOME_WORDS);
  throw new UsageError(
    `${raw.origin} must be a network such as 192.0.2.0/24 or 2001:db8::/48 (prefix up to 32 and 128), an address, ` +
      `private or own, got ${quote(value)}.${hint ? ` Did you mean ${hint}?` : ""}`,
  );
}

/** Addresses of NATS servers, one or several with commas between them. */
export function asFleetServers(raw: RawValue): string[] {
  return String(raw.value).split(",").map((part) => part.trim()).filter(Boolean).map((address) => {
    try {
      readServer(address);
      return address;
    } catch (error) {
      throw new UsageError(
        `${raw.origin} must look like tls://hub.example.org:4222, got ${quote(address)}: ${
          (error as Error).message
        }.`,
      );
    }
  });
}

const siteMax = 60;

/** A few words, of the agent's owner. */
export function asSite(raw: RawValue): string {
  const value = String(raw.value).trim();
  if (value.length <= siteMax && !/\p{C}/u.test(value)) return value;
  throw new UsageError(
    `${raw.origin} must be at most ${siteMax} characters without control characters, got ${
      quote(value.slice(0, 80))
    }.`,
  );
}

/** Where a hub keeps flows. */
export type HubStoreConfig =
  | { readonly kind: "sqlite" }
  | {
    readonly kind: "clickhouse";
    /** Without user and database. */
    readonly url: string;
    readonly user: string;
    readonly database: string;
    /** Secret. */
    readonly password: string;
  };

/** "sqlite", or the address of a ClickHouse server with the user and the database. */
export function asHubStore(raw: RawValue, password: string): HubStoreConfig {
  const value = String(raw.value).trim();
  if (value === "sqlite") return { kind: "sqlite" };
  const url = URL.parse(value);
  const wrong = (what: string) =>
    new UsageError(
      `${raw.origin} must be sqlite or look like http://user@host:8123/database, got ${
        quote(value.replace(/:[^:@/]*@/, ":…@"))
      }: ${what}.`,
    );
  if (url === null || !/^https?:$/.test(url.protocol)) throw wrong("it is neither");
  if (url.password !== "") {
    throw wrong("a password stays out of process lists; set TAPWATCH_HUB_STORE_PASSWORD");
  }
  const [database, ...rest] = url.pathname.split("/").filter(Boolean);
  if (rest.length > 0 || url.search !== "" || url.hash !== "") {
    throw wrong("it names more than a database");
  }
  if (database !== undefined && !/^\w{1,64}$/.test(database)) {
    throw wrong("a database's name has letters, digits and _");
  }
  return {
    kind: "clickhouse",
    url: url.origin,
    user: decodeURIComponent(url.username) || "default",
    database: database ?? "tapwatch",
    password,
  };
}

/** A value as a message has it. */
export function quote(value: unknown): string {
  return JSON.stringify(String(value));
}
