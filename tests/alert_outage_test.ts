/** The outbox with real servers, whose hours pass by an injected clock: outages, refusals, and a channel that hangs. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Channel } from "../agent/alert/channel.ts";
import { MailChannel } from "../agent/alert/mail.ts";
import { Outbox } from "../agent/alert/outbox.ts";
import { story } from "../agent/alert/testing/sample_story.ts";
import { WebhookChannel } from "../agent/alert/webhook.ts";
import type { Alert } from "../agent/records.ts";
import { hasMailServer, type MailServer, startMailServer } from "./mail_server.ts";
import { freePort, patiently, testWith } from "./program.ts";

const missing = hasMailServer ? "" : "needs python3-aiosmtpd";
const startUs = story().alert.tsUs;
const secondUs = 1_000_000;

function mailTo(port: number, answerMs = 10_000): MailChannel {
  return new MailChannel({
    smtp: {
      host: "127.0.0.1",
      port,
      user: null,
      password: null,
      security: "none",
      ca: null,
    },
    from: "tapwatch@edge.example.org",
    to: ["ops@example.org"],
    tell: (alert) => Promise.resolve(story(alert)),
    answerMs,
  });
}

/** An outbox, and a clock that goes on when nothing is being sent. */
function openOutbox(channels: readonly Channel[]) {
  const saved = new Map<number, Alert>();
  let nowUs = startUs;
  let onSaved = () => {};
  const outbox = new Outbox({
    channels,
    save: (alert) => {
      saved.set(alert.id, alert);
      onSaved();
    },
    nowUs: () => nowUs,
    random: () => 0.5,
  });
  const until = (what: string, isTrue: () => boolean) =>
    patiently(
      what,
      new Promise<void>((resolve) => {
        // A channel is free again right after what came of it was saved.
        onSaved = () => queueMicrotask(() => isTrue() && resolve());
        onSaved();
      }),
    );
  return {
    outbox,
    saved,
    until,
    add: (id: number) =>
      outbox.add({ ...story({ id, incidentId: id }).alert, deliveries: outbox.deliveries() }),
    /** Lets so many seconds pass. */
    async pass(seconds: number) {
      for (let i = 0; i < seconds; i++) {
        nowUs += secondUs;
        outbox.pump();
        if (outbox.isBusy) await until("an answer", () => !outbox.isBusy);
      }
    },
    states: (id: number) => saved.get(id)!.deliveries.map(({ state }) => state),
  };
}

function startHook() {
  const ids: number[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      ids.push((await request.json()).id);
      return new Response("ok");
    },
  );
  const channel = new WebhookChannel({
    webhook: { form: "json", url: `http://127.0.0.1:${server.addr.port}/` },
    secret: null,
    tell: (alert) => Promise.resolve(story(alert)),
  });
  return { ids, channel, stop: () => server.shutdown() };
}

async function idsOf(server: MailServer, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const { taken } = await patiently("a mail", server.next());
    if (taken) ids.push(new Map(taken.headers).get("Message-ID")!.split(".")[0]!);
  }
  return ids.sort();
}

testWith(
  missing,
  "an hour without a mail server: nothing is lost, nothing comes twice, and the webhook is on time",
  async () => {
    const port = freePort();
    const hook = startHook();
    const { outbox, add, pass, until, states, saved } = openOutbox([mailTo(port), hook.channel]);
    add(1);
    await until("the webhook", () => !outbox.isBusy);
    await pass(1800);
    add(2);
    await until("the webhook", () => !outbox.isBusy);
    await pass(1800);
    deepStrictEqual(hook.ids, [1, 2]);
    deepStrictEqual([states(1), states(2)], [["waiting", "sent"], ["waiting", "sent"]]);
    const [mail] = saved.get(1)!.deliveries;
    match(mail!.answer, /Nobody answers at 127\.0\.0\.1/);
    ok(mail!.attempts >= 8 && mail!.attempts <= 12, `${mail!.attempts} tries in an hour`);
    const server = await startMailServer(["--port", String(port)]);
    await pass(600);
    deepStrictEqual([states(1), states(2)], [["sent", "sent"], ["sent", "sent"]]);
    deepStrictEqual(await idsOf(server, 2), ["<incident-1", "<incident-2"]);
    await pass(3600);
    // What comes next is the next alert: there was no copy in between.
    add(3);
    await until("the mail", () => !outbox.isBusy);
    deepStrictEqual(await idsOf(server, 1), ["<incident-3"]);
    await server.stop();
    await hook.stop();
  },
);

testWith(
  missing,
  "a mail server that puts off gets the mail again, one that refuses does not",
  async () => {
    const server = await startMailServer(["--behave", "451,cut,ok,550,ok"]);
    const { outbox, add, pass, until, states, saved } = openOutbox([mailTo(server.port)]);
    add(1);
    await until("an answer", () => !outbox.isBusy);
    deepStrictEqual([states(1), saved.get(1)!.deliveries[0]!.attempts], [["waiting"], 1]);
    await pass(30);
    deepStrictEqual([states(1), saved.get(1)!.deliveries[0]!.attempts], [["sent"], 3]);
    add(2);
    await until("an answer", () => !outbox.isBusy);
    deepStrictEqual([states(2), saved.get(2)!.deliveries[0]!.attempts], [["failed"], 1]);
    match(saved.get(2)!.deliveries[0]!.answer, /550 by order of the test/);
    await pass(3600);
    add(3);
    await until("an answer", () => !outbox.isBusy);
    deepStrictEqual(await idsOf(server, 2), ["<incident-1", "<incident-3"]);
    await server.stop();
  },
);

testWith(missing, "while a mail server hangs, all else is told at once", async () => {
  const server = await startMailServer(["--behave", "hang,ok"]);
  const hook = startHook();
  const { outbox, add, pass, until, states } = openOutbox([
    mailTo(server.port, 4000),
    hook.channel,
  ]);
  for (const id of [1, 2, 3]) add(id);
  await until("the webhook", () => [1, 2, 3].every((id) => states(id)[1] === "sent"));
  deepStrictEqual(hook.ids, [1, 2, 3]);
  deepStrictEqual([states(1)[0], outbox.isBusy], ["waiting", true]);
  await until("the mail server is given up", () => states(2)[0] === "sent");
  await pass(10);
  deepStrictEqual([1, 2, 3].map((id) => states(id)[0]), ["sent", "sent", "sent"]);
  strictEqual((await idsOf(server, 3)).length, 3);
  await server.stop();
  await hook.stop();
});
