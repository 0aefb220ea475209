/** `tapwatch fleet init | enroll | revoke | list | streams`: prepares the engine and the agents' credentials. */
import { createUser } from "@nats-io/nkeys";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { RunError, UsageError } from "../errors.ts";
import { readCredentials } from "../fleet/credentials.ts";
import { FleetFolder, isAgentName } from "../fleet/fleet_folder.ts";
import { type FleetServer, readServer } from "../fleet/servers.ts";
import { makeStreams } from "../fleet/streams_admin.ts";
import { nearest } from "../nearest.ts";

const verbs = ["init", "enroll", "revoke", "list", "streams"] as const;
type Verb = typeof verbs[number];

/** Throws TapwatchError. */
export async function runFleet(config: Config): Promise<void> {
  const [word = "", ...operands] = config.operands;
  const verb = verbs.find((name) => name === word);
  if (verb === undefined) {
    const hint = nearest(word, verbs);
    throw new UsageError(
      `Unknown fleet command ${JSON.stringify(word)}.${hint ? ` Did you mean ${hint}?` : ""} ` +
        `Commands: ${verbs.join(", ")}.`,
    );
  }
  checkOperands(verb, operands);
  const folder = new FleetFolder(config.fleetFolder);
  if (verb === "init") return init(folder, operands.map(serverOf), config);
  if (verb === "enroll") return enroll(folder, nameOf(operands[0]!));
  if (verb === "revoke") return revoke(folder, nameOf(operands[0]!));
  if (verb === "list") return list(folder, config.isJson);
  return await streams(folder, config);
}

function checkOperands(verb: Verb, operands: readonly string[]): void {
  const isRight = verb === "init"
    ? operands.length >= 1
    : operands.length === (verb === "enroll" || verb === "revoke" ? 1 : 0);
  if (isRight) return;
  const what = verb === "init"
    ? "the host names or addresses by which agents reach the engine"
    : verb === "enroll" || verb === "revoke"
    ? "the name of one agent"
    : "no argument";
  const got = operands.length === 0
    ? "none"
    : operands.map((word) => JSON.stringify(word)).join(", ");
  throw new UsageError(`tapwatch fleet ${verb} takes ${what}, got ${got}.`);
}

function serverOf(word: string): FleetServer {
  try {
    return readServer(word);
  } catch (error) {
    throw new UsageError(
      `${JSON.stringify(word)} is no address of an engine: ${(error as Error).message}. ` +
        "Write host, host:port or tls://host:port.",
    );
  }
}

function nameOf(word: string): string {
  if (isAgentName(word)) return word;
  throw new UsageError(
    `${
      JSON.stringify(word)
    } is no name for an agent: 1 to 63 letters, digits, ".", "_" or "-", the first a letter or digit.`,
  );
}

function makeKey(): { seed: string; key: string } {
  const pair = createUser();
  return { seed: new TextDecoder().decode(pair.getSeed()), key: pair.getPublicKey() };
}

function init(folder: FleetFolder, servers: readonly FleetServer[], config: Config): void {
  const isNew = !folder.exists;
  const ports = new Set(servers.map(({ port }) => port));
  if (ports.size > 1) {
    throw new UsageError("All addresses are of one engine and need the same port.");
  }
  folder.init({ servers, storeGb: config.fleetStoreGb, makeKey, nowMs: Date.now() });
  const { path } = folder;
  console.log(
    isNew
      ? `The fleet in ${path} is ready. Next:
  1. start the engine:  nats-server -c ${join(path, "nats-server.conf")}
  2. make its streams:  tapwatch fleet streams
  3. let agents in:     tapwatch fleet enroll NAME
  4. start the hub:     tapwatch hub --fleet-credentials ${join(path, "hub.json")}
Keep ${join(path, "ca.key")} and admin.json to yourself, and a copy of the folder in a safe place.`
      : `The engine's certificate and configuration in ${path} are made anew; keys and agents stay. Start nats-server again.`,
  );
}

function enroll(folder: FleetFolder, name: string): void {
  const { agent, file } = folder.enroll(name, makeKey, Date.now() * 1000);
  console.log(
    `${name} is agent ${agent.id}.
  1. have the engine read it:  ${reloadHint}
  2. copy ${file} to its host, readable for tapwatch alone, and remove it here
  3. there:  tapwatch run --fleet ${folder.read().servers.join(",")} --fleet-credentials FILE`,
  );
}

function revoke(folder: FleetFolder, name: string): void {
  const { id } = folder.revoke(name, Date.now() * 1000);
  console.log(
    `${name} (agent ${id}) is revoked once the engine has read it:  ${reloadHint}`,
  );
}

const reloadHint = "nats-server --signal reload (or systemctl reload nats-server)";

function list(folder: FleetFolder, isJson: boolean): void {
  const { servers, agents } = folder.read();
  const rows = agents.map(({ id, name, enrolledUs, revokedUs }) => ({
    name,
    agent: id,
    state: revokedUs === null ? "enrolled" : "revoked",
    enrolled: iso(enrolledUs),
    revoked: revokedUs === null ? null : iso(revokedUs),
  })).sort((a, b) => a.name < b.name ? -1 : 1);
  if (isJson) return console.log(JSON.stringify({ folder: folder.path, servers, agents: rows }));
  if (rows.length === 0) {
    return console.log("No agent is enrolled. tapwatch fleet enroll NAME lets one in.");
  }
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const { name, agent, state, enrolled, revoked } of rows) {
    console.log(`${name.padEnd(width)}  ${agent}  ${state} ${revoked ?? enrolled}`);
  }
}

const iso = (us: number): string => new Date(us / 1000).toISOString();

async function streams(folder: FleetFolder, config: Config): Promise<void> {
  const book = folder.read();
  const credentials = readCredentials(join(folder.path, "admin.json"), "admin");
  const servers = config.fleetServers.length > 0 ? config.fleetServers : book.servers;
  let made: string[];
  try {
    made = await makeStreams(credentials, {
      servers,
      storeGb: book.storeGb,
      replicas: config.fleetReplicas,
    });
  } catch (error) {
    throw new RunError(
      `Cannot make the streams on ${servers.join(", ")}: ${(error as Error).message}. ` +
        "Is the engine running with this fleet's nats-server.conf?",
    );
  }
  console.log(
    made.length === 0
      ? "The streams are there; their limits are up to date."
      : `Made ${made.join(", ")}.`,
  );
}
