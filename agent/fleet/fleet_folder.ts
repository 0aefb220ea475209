/**
 * The folder of a fleet, on the host of whoever looks after it. All files are their owner's alone.
 *
 *     fleet.json          addresses of the engine, public keys, agents; everything else can be made from it and the next four
 *     ca.pem ca.key       the fleet's authority          server.pem server.key   the engine's certificate
 *     admin.json hub.json agents/NAME.json               credentials (credentials.ts); an agent's goes to its host
 *     nats-server.conf permissions.conf                  what the engine reads
 */
import { join, resolve } from "node:path";
import { systemReason, UsageError } from "../errors.ts";
import { writeAnew } from "../own_files.ts";
import { randomId } from "./base32.ts";
import {
  type Credentials,
  decodeCredentials,
  encodeCredentials,
  type Role,
} from "./credentials.ts";
import {
  type EnrolledAgent,
  type FleetKeys,
  permissionsConfig,
  serverConfig,
} from "./engine_config.ts";
import { type FleetServer, serverText } from "./servers.ts";
import { isAgentId } from "./streams.ts";
import { type Certified, makeAuthority, makeServerCertificate } from "./x509.ts";

export interface FleetBook {
  readonly servers: readonly string[];
  readonly storeGb: number;
  readonly keys: FleetKeys;
  readonly agents: readonly EnrolledAgent[];
}

/** Makes an nkey; given by whoever has loaded the library. */
export type MakeKey = () => { readonly seed: string; readonly key: string };

export class FleetFolder {
  readonly #path: string;

  constructor(path: string) {
    this.#path = resolve(path);
  }

  get path(): string {
    return this.#path;
  }

  get exists(): boolean {
    return this.#readIfThere("fleet.json") !== null;
  }

  /** Throws UsageError when there is none, or it cannot be read. */
  read(): FleetBook {
    const text = this.#readIfThere("fleet.json");
    if (text === null) {
      throw new UsageError(
        `There is no fleet in ${this.#path}. tapwatch fleet init HOST makes one.`,
      );
    }
    const book = parse(text) as FleetBook;
    if (Array.isArray(book?.agents) && book.agents.every(isAgent) && book.keys) return book;
    throw new UsageError(`${this.#file("fleet.json")} is damaged. Take it from a backup.`);
  }

  /**
   * Makes the fleet; of one that is there only the engine's certificate, its configuration and the addresses are made anew, as
   * when it gets another name.
   */
  init(
    { servers, storeGb, makeKey, nowMs }: {
      readonly servers: readonly FleetServer[];
      readonly storeGb: number;
      readonly makeKey: MakeKey;
      readonly nowMs: number;
    },
  ): FleetBook {
    Deno.mkdirSync(join(this.#path, "agents"), { recursive: true, mode: 0o700 });
    const before = this.exists ? this.read() : null;
    const authority = this.#authority(nowMs);
    const hosts = [
      ...new Set([...servers.map(({ hostname }) => hostname), "localhost", "127.0.0.1"]),
    ];
    const server = makeServerCertificate(authority, { hosts, nowMs });
    this.#write("server.pem", server.certificate);
    this.#write("server.key", server.key);
    this.#write(
      "nats-server.conf",
      serverConfig({
        port: servers[0]!.port,
        storeFolder: this.#file("jetstream"),
        certificateFile: this.#file("server.pem"),
        keyFile: this.#file("server.key"),
        storeGb,
      }),
    );
    const addresses = servers.map((server) => `tls://${serverText(server)}`);
    const keyOf = (role: "admin" | "hub") => {
      const known = before?.keys[role];
      if (known === undefined) {
        return this.#give({ role, name: role, agent: "", servers: addresses, makeKey });
      }
      this.#readdress(credentialsFile(role, role), addresses);
      return known;
    };
    const book = {
      servers: addresses,
      storeGb,
      keys: { admin: keyOf("admin"), hub: keyOf("hub") },
      agents: before?.agents ?? [],
    };
    this.#save(book);
    return book;
  }

  /** Lets an agent in; one that was revoked gets its id back, with another key. Throws UsageError for one that is in. */
  enroll(name: string, makeKey: MakeKey, nowUs: number): { agent: EnrolledAgent; file: string } {
    const book = this.read();
    const known = book.agents.find((agent) => agent.name === name);
    if (known && known.revokedUs === null) {
      throw new UsageError(`${name} is enrolled already. tapwatch fleet revoke ${name} ends that.`);
    }
    const id = known?.id ?? randomId();
    const key = this.#give({ role: "agent", name, agent: id, servers: book.servers, makeKey });
    const agent = { id, name, key, enrolledUs: nowUs, revokedUs: null };
    this.#save({ ...book, agents: [...book.agents.filter((other) => other !== known), agent] });
    return { agent, file: this.#file(`agents/${name}.json`) };
  }

  /** Throws UsageError for one that is not in. */
  revoke(name: string, nowUs: number): EnrolledAgent {
    const book = this.read();
    const known = book.agents.find((agent) => agent.name === name);
    if (!known || known.revokedUs !== null) {
      const others = book.agents.filter(({ revokedUs }) => revokedUs === null);
      throw new UsageError(
        `${name} is ${known ? "revoked already" : "no agent of this fleet"}. ` +
          (others.length === 0
            ? "No agent is enrolled."
            : `Enrolled: ${others.slice(0, 20).map((agent) => agent.name).join(", ")}.`),
      );
    }
    const agent = { ...known, revokedUs: nowUs };
    this.#save({ ...book, agents: book.agents.map((other) => other === known ? agent : other) });
    // The file has usually gone to the agent's host.
    if (this.#readIfThere(`agents/${name}.json`) !== null) {
      Deno.removeSync(this.#file(`agents/${name}.json`));
    }
    return agent;
  }

  #authority(nowMs: number): Certified {
    const [certificate, key] = [this.#readIfThere("ca.pem"), this.#readIfThere("ca.key")];
    if (certificate !== null && key !== null) return { certificate, key };
    const authority = makeAuthority(nowMs);
    this.#write("ca.key", authority.key);
    this.#write("ca.pem", authority.certificate);
    return authority;
  }

  /** Writes credentials with a new key; returns the public one. */
  #give(
    { makeKey, ...credentials }: Omit<Credentials, "seed" | "ca"> & { readonly makeKey: MakeKey },
  ): string {
    const { seed, key } = makeKey();
    this.#write(
      credentialsFile(credentials.role, credentials.name),
      encodeCredentials({ ...credentials, seed, ca: this.#readIfThere("ca.pem") ?? "" }),
    );
    return key;
  }

  /** Credentials that are still here, with the same key. Throws UsageError for what are none. */
  #readdress(name: string, servers: readonly string[]): void {
    const text = this.#readIfThere(name);
    if (text === null) return;
    const credentials = decodeCredentials(text, this.#file(name));
    this.#write(name, encodeCredentials({ ...credentials, servers }));
  }

  #save(book: FleetBook): void {
    this.#write("permissions.conf", permissionsConfig(book.keys, book.agents));
    this.#write("fleet.json", `${JSON.stringify(book, null, 2)}\n`);
  }

  /** Whole or not at all, and nobody else's from its first byte; what root writes anew stays with whom it was given to. */
  #write(name: string, text: string): void {
    const path = this.#file(name);
    const draft = `${path}.new`;
    writeAnew(draft, new TextEncoder().encode(text));
    if (Deno.uid() === 0 && this.#readIfThere(name) !== null) {
      const { uid, gid } = Deno.statSync(path);
      Deno.chownSync(draft, uid, gid);
    }
    Deno.renameSync(draft, path);
  }

  #readIfThere(name: string): string | null {
    try {
      return Deno.readTextFileSync(this.#file(name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw new UsageError(`Cannot read ${this.#file(name)}: ${systemReason(error)}.`);
    }
  }

  #file(name: string): string {
    return join(this.#path, name);
  }
}

const credentialsFile = (role: Role, name: string): string =>
  role === "agent" ? `agents/${name}.json` : `${role}.json`;

/** Names are file names, and stand in the engine's configuration. */
export const isAgentName = (text: string): boolean =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text);

function isAgent(value: unknown): value is EnrolledAgent {
  const { id, name, key, enrolledUs, revokedUs } = Object(value);
  return isAgentId(id) && typeof name === "string" && isAgentName(name) &&
    /^U[A-Z2-7]{55}$/.test(key) && Number.isSafeInteger(enrolledUs) &&
    (revokedUs === null || Number.isSafeInteger(revokedUs));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
