/** Alerts of the whole program: a replay is told of once, also when it is stopped, killed and started again. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { createHmac } from "node:crypto";
import { hasMailServer, startMailServer } from "./mail_server.ts";
import {
  demoCapture,
  patienceMs,
  patiently,
  Program,
  runProgram,
  testWith,
  withFolder,
} from "./program.ts";

const missing = hasMailServer ? "" : "needs python3-aiosmtpd";

interface Post {
  readonly body: string;
  readonly signature: string | null;
}

/** An HTTP listener whose answers are given in turn, the last for all others. */
function startHook(statuses: readonly number[]) {
  const posts: Post[] = [];
  let onPost = () => {};
  let count = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      posts.push({
        body: await request.text(),
        signature: request.headers.get("x-tapwatch-signature"),
      });
      onPost();
      const status = statuses[Math.min(count++, statuses.length - 1)]!;
      return new Response("by order of the test", { status });
    },
  );
  /** Resolves when there are as many posts. */
  const until = (wanted: number) =>
    patiently(
      `${wanted} posts`,
      new Promise<void>((resolve) => {
        onPost = () => posts.length >= wanted && resolve();
        onPost();
      }),
    );
  return {
    url: `http://127.0.0.1:${server.addr.port}/hook`,
    posts,
    until,
    stop: () => server.shutdown(),
  };
}

type Alerts = {
  alerts: { kind: string; state: string; deliveries: string; incident_id: number }[];
};

async function alertsOf(program: Program): Promise<Alerts["alerts"]> {
  return (await (await fetch(`${program.url}/api/alerts`)).json() as Alerts).alerts;
}

/** Waits until the list of alerts is as wanted. What has been told as an event may be written a moment later: it is asked again. */
async function untilAlerts(
  program: Program,
  isThere: (alerts: Alerts["alerts"]) => boolean,
): Promise<Alerts["alerts"]> {
  const untilMs = Date.now() + patienceMs;
  for (;;) {
    const alerts = await alertsOf(program);
    if (isThere(alerts)) return alerts;
    if (Date.now() > untilMs) throw new Error(`In vain: ${JSON.stringify(alerts)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const replay = ["replay", demoCapture, "--speed", "max", "--results", "r"];

testWith(
  missing,
  "a replay is told by mail and webhook, and not again by the next start",
  () =>
    withFolder(async (cwd) => {
      const mail = await startMailServer([]);
      const hook = startHook([503, 200]);
      const options = {
        cwd,
        env: { TAPWATCH_WEBHOOK_SECRET: "well kept" },
      };
      const args = [
        ...replay,
        "--smtp-url",
        `smtp://127.0.0.1:${mail.port}?security=none`,
        "--mail-to",
        "ops@example.org",
        "--webhook",
        hook.url,
        "--dashboard-url",
        "https://tap.example.org",
      ];
      try {
        await using first = await Program.start(args, options);
        const { taken } = await patiently("the mail", mail.next());
        const headers = new Map(taken!.headers);
        match(headers.get("Subject")!, /(High|Critical): .*192\.168\.10\.57\b.* scanned 3 hosts/);
        const [plain, , pcap] = taken!.parts;
        match(plain!.text!, /https:\/\/tap\.example\.org\/incidents\/\d+/);
        ok((pcap?.bytes ?? 0) > 1000, "the packets are attached");
        await hook.until(2);
        for (const { body, signature } of hook.posts) {
          const digest = createHmac("sha256", "well kept").update(body).digest("hex");
          strictEqual(signature, `sha256=${digest}`);
          match(JSON.parse(body).severity, /high|critical/);
        }
        const [alert] = await untilAlerts(
          first,
          (alerts) => alerts.some(({ state }) => state === "sent"),
        );
        deepStrictEqual(
          JSON.parse(alert!.deliveries).map(({ attempts }: { attempts: number }) => attempts),
          [1, 2],
        );
        await first.stop();
        const told = hook.posts.length;
        await using second = await Program.start(args, options);
        await second.logged(/file is at its end/);
        // What rose within the pause between two alerts comes with the next start, as a digest; nothing comes twice.
        await untilAlerts(second, (alerts) => alerts.every(({ state }) => state !== "waiting"));
        const since = hook.posts.slice(told).map(({ body }) => JSON.parse(body).kind);
        ok(since.length <= 1 && since.every((kind) => kind === "digest"), since.join());
      } finally {
        await hook.stop();
        await mail.stop();
      }
    }),
);

testWith(
  missing,
  "killed between the mail that was taken and the note of it, the next start sends it once more and then never again",
  () =>
    withFolder(async (cwd) => {
      // Takes the first mail and never says so.
      const mail = await startMailServer(["--behave", "late,ok"]);
      const channel = [
        "--smtp-url",
        `smtp://127.0.0.1:${mail.port}?security=none`,
        "--mail-to",
        "ops@example.org",
        "--results",
        "r",
      ];
      const args = [...replay, ...channel];
      const nextId = async () => {
        const { taken } = await patiently("a mail", mail.next());
        return new Map(taken!.headers).get("Message-ID")!;
      };
      /** All mails until the one of `alert-test`, which is sent last. */
      const idsUpToTest = async () => {
        const { code } = await runProgram(["alert-test", ...channel], { cwd });
        strictEqual(code, 0);
        const ids: string[] = [];
        for (let id = await nextId(); !id.startsWith("<alert-0."); id = await nextId()) {
          ids.push(id);
        }
        return ids;
      };
      try {
        const first = await Program.start(args, { cwd });
        const killed = await nextId();
        first.signal("SIGKILL");
        await first.ended();
        match(killed, /^<incident-/);
        for (const copies of [1, 0]) {
          await using next = await Program.start(args, { cwd });
          await next.logged(/file is at its end/);
          await untilAlerts(
            next,
            (alerts) => alerts.length > 0 && alerts.every(({ state }) => state !== "waiting"),
          );
          await next.stop();
          const ids = await idsUpToTest();
          strictEqual(ids.filter((id) => id === killed).length, copies, ids.join());
          strictEqual(new Set(ids).size, ids.length, ids.join());
        }
      } finally {
        await mail.stop();
      }
    }),
);
