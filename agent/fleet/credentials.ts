/**
 * The file that `tapwatch fleet` gives to an agent, to the hub and to whoever makes the streams: who it is, its key, where the
 * engine is and how to know it. JSON; the seed of the key never leaves the file's host.
 */
import { systemReason, UsageError } from "../errors.ts";
import { isAgentId } from "./streams.ts";

export const ROLES = ["agent", "hub", "admin"] as const;
export type Role = typeof ROLES[number];

export interface Credentials {
  readonly role: Role;
  /** Of an agent; "" else. */
  readonly agent: string;
  /** As people call it. */
  readonly name: string;
  /** Seed of an Ed25519 key as NATS writes it ("SU…"). Secret. */
  readonly seed: string;
  readonly servers: readonly string[];
  /** PEM of the authority that has signed the engine's certificate; "" for the system's alone. */
  readonly ca: string;
}

export function encodeCredentials(credentials: Credentials): string {
  return `${JSON.stringify({ tapwatch_fleet: 1, ...credentials }, null, 2)}\n`;
}

/** Throws UsageError without anything of the file's content in it. */
export function decodeCredentials(text: string, path: string): Credentials {
  const wrong = (what: string) =>
    new UsageError(
      `${path} is no credentials file of a fleet: ${what}. tapwatch fleet enroll makes them.`,
    );
  let fields: Record<string, unknown>;
  try {
    fields = Object(JSON.parse(text));
  } catch {
    throw wrong("it is not JSON");
  }
  if (fields.tapwatch_fleet !== 1) throw wrong("it is of another kind or of a newer version");
  const role = ROLES.find((name) => name === fields.role);
  if (role === undefined) throw wrong("its role is not known");
  const { agent, name, seed, servers, ca } = fields;
  if (role === "agent" ? !isAgentId(agent) : agent !== "") throw wrong("its agent's id is damaged");
  if (typeof seed !== "string" || !/^SU[A-Z2-7]{56}$/.test(seed)) throw wrong("its key is damaged");
  if (typeof name !== "string" || typeof ca !== "string") throw wrong("name or ca is missing");
  if (!Array.isArray(servers) || !servers.every((server) => typeof server === "string")) {
    throw wrong("servers is no list of addresses");
  }
  return { role, agent: agent as string, name, seed, servers, ca };
}

/** Reads a file of one role. Throws UsageError. */
export function readCredentials(path: string, role: Role): Credentials {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    throw new UsageError(
      `Cannot read the fleet's credentials ${path}: ${systemReason(error)}.`,
    );
  }
  const credentials = decodeCredentials(text, path);
  if (credentials.role === role) return credentials;
  throw new UsageError(
    `${path} holds the credentials of ${
      credentials.role === "agent" ? "an agent" : `the ${credentials.role}`
    }, ` +
      `where those of ${role === "agent" ? "an agent" : `the ${role}`} are needed.`,
  );
}
