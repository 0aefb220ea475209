import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { parseConfig } from "../config.ts";
import { UsageError } from "../errors.ts";
import { readCredentials } from "../fleet/credentials.ts";
import { isAgentId } from "../fleet/streams.ts";
import { runFleet } from "./fleet.ts";

const sources = { env: {}, readTextFile: () => "", exists: () => false };

/** What a command prints. */
async function fleet(...args: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (text: string) => void lines.push(text);
  try {
    await runFleet(parseConfig(["fleet", ...args], sources));
  } finally {
    console.log = log;
  }
  return lines.join("\n");
}

async function withFolder(work: (path: string) => Promise<void>): Promise<void> {
  const path = Deno.makeTempDirSync({ prefix: "tapwatch-fleet-" });
  try {
    await work(join(path, "fleet"));
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
}

function filesUnder(path: string): string[] {
  return [...Deno.readDirSync(path)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesUnder(join(path, name)) : [join(path, name)]
  );
}

Deno.test("fleet init, enroll, list and revoke keep one book, and files that are their owner's alone", async () => {
  await withFolder(async (path) => {
    const at = ["--fleet-folder", path];
    match(await fleet("init", "hub.example.org", "[2001:db8::1]", ...at), /is ready/);
    match(await fleet("list", ...at), /No agent is enrolled/);
    await fleet("enroll", "web-01", ...at);
    await fleet("enroll", "db", ...at);
    for (const file of filesUnder(path)) {
      strictEqual(Deno.statSync(file).mode! & 0o777, 0o600, file);
    }
    const file = join(path, "agents/web-01.json");
    const first = readCredentials(file, "agent");
    ok(isAgentId(first.agent));
    deepStrictEqual(first.servers, ["tls://hub.example.org:4222", "tls://[2001:db8::1]:4222"]);
    throws(() => readCredentials(file, "hub"), /holds the credentials of an agent/);
    const permissions = () => Deno.readTextFileSync(join(path, "permissions.conf"));
    ok(permissions().includes(first.agent));
    ok(!permissions().includes(first.seed), "the engine knows no seed");
    await fleet("revoke", "web-01", ...at);
    ok(!permissions().includes(first.agent));
    const { agents } = JSON.parse(await fleet("list", "--json", ...at));
    deepStrictEqual(
      agents.map(({ name, state }: Record<string, string>) => [name, state]),
      [["db", "enrolled"], ["web-01", "revoked"]],
    );
    await fleet("enroll", "web-01", ...at);
    const again = readCredentials(file, "agent");
    strictEqual(again.agent, first.agent);
    ok(again.seed !== first.seed);
  });
});

Deno.test("fleet init again gives the engine another certificate of the same authority, and keeps all who are in", async () => {
  await withFolder(async (path) => {
    const at = ["--fleet-folder", path];
    const given = ["hub.json", "permissions.conf", "server.key"];
    await fleet("init", "old.example.org", ...at);
    await fleet("enroll", "web-01", ...at);
    const [ca, book] = [read("ca.pem"), JSON.parse(read("fleet.json"))];
    const { seed } = readCredentials(join(path, "hub.json"), "hub");
    const isRoot = Deno.uid() === 0;
    // As services have them, each with a user of its own.
    if (isRoot) { for (const name of given) Deno.chownSync(join(path, name), 12_345, 12_345); }
    match(await fleet("init", "new.example.org:4333", ...at), /made anew/);
    await fleet("enroll", "web-02", ...at);
    for (const name of isRoot ? given : []) {
      const { uid, gid, mode } = Deno.statSync(join(path, name));
      deepStrictEqual([uid, gid, mode! & 0o777], [12_345, 12_345, 0o600], name);
    }
    const hub = readCredentials(join(path, "hub.json"), "hub");
    deepStrictEqual([hub.seed, hub.servers], [seed, ["tls://new.example.org:4333"]]);
    strictEqual(read("ca.pem"), ca);
    deepStrictEqual(JSON.parse(read("fleet.json")).agents.slice(0, 1), book.agents);
    const certificate = new X509Certificate(read("server.pem"));
    ok(certificate.checkHost("new.example.org"));
    ok(certificate.checkIP("127.0.0.1"));
    strictEqual(certificate.checkHost("old.example.org"), undefined);
    ok(certificate.verify(new X509Certificate(ca).publicKey));
    match(read("nats-server.conf"), /port: 4333/);

    function read(name: string): string {
      return Deno.readTextFileSync(join(path, name));
    }
  });
});

Deno.test("what tapwatch fleet cannot do is said with what is allowed", async () => {
  await withFolder(async (path) => {
    const at = ["--fleet-folder", path];
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["inti", "a"], /Unknown fleet command "inti". Did you mean init\?/],
      [["init"], /takes the host names or addresses .* got none/],
      [["init", "http://a"], /neither nats:\/\/ nor tls:\/\//],
      [["init", "nats://user:pw@a"], /credentials are a file/],
      [["init", "a:1", "b:2"], /the same port/],
      [["enroll", "../x"], /is no name for an agent/],
      [["enroll", "web-01"], /There is no fleet in/],
      [["enroll"], /takes the name of one agent, got none/],
      [["list", "all"], /takes no argument, got "all"/],
    ];
    for (const [args, message] of cases) {
      await rejects(fleet(...args, ...at), (error: Error) => {
        ok(error instanceof UsageError, String(error));
        match(error.message, message);
        return true;
      });
    }
    await fleet("init", "hub.example.org", ...at);
    await fleet("enroll", "web-01", ...at);
    await rejects(fleet("enroll", "web-01", ...at), /is enrolled already/);
    await rejects(fleet("revoke", "web-02", ...at), /no agent of this fleet. Enrolled: web-01/);
    await rejects(fleet("streams", "--fleet", "127.0.0.1:1", ...at), /Cannot make the streams/);
  });
});
