import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Alert } from "../records.ts";
import { type Channel, ChannelError } from "./channel.ts";
import { Outbox } from "./outbox.ts";

const startUs = 1_767_225_600_000_000;

function alert(id: number, outbox: Outbox): Alert {
  return {
    id,
    tsUs: startUs,
    kind: "incident",
    trigger: "opened",
    subject: `incident ${id}`,
    severity: "high",
    source: "10.0.0.9",
    headline: "10.0.0.9 scanned 10.0.0.2",
    detail: "",
    reason: "",
    attackId: "",
    incidentId: id,
    amount: 1,
    hasSucceeded: false,
    state: "waiting",
    heldBy: "",
    muteId: null,
    digestId: null,
    deliveries: outbox.deliveries(),
  };
}

/** A channel whose answers are given by hand. */
class Scripted implements Channel {
  readonly name: string;
  readonly asked: number[] = [];
  isClosed = false;
  #pending: PromiseWithResolvers<string> | null = null;

  constructor(name: string) {
    this.name = name;
  }

  send({ id }: Alert): Promise<string> {
    this.asked.push(id);
    this.#pending = Promise.withResolvers<string>();
    return this.#pending.promise;
  }

  close(): void {
    this.isClosed = true;
  }

  async answer(words: string | Error): Promise<void> {
    if (typeof words === "string") this.#pending!.resolve(words);
    else this.#pending!.reject(words);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

function open(...names: string[]) {
  const channels = names.map((name) => new Scripted(name));
  const saved = new Map<number, Alert>();
  const clock = { us: startUs };
  const outbox = new Outbox({
    channels,
    save: (each) => saved.set(each.id, each),
    nowUs: () => clock.us,
    random: () => 0.5,
  });
  const states = (id: number) => saved.get(id)!.deliveries.map(({ state }) => state);
  return { channels, saved, clock, outbox, states };
}

const busy = new ChannelError("421 come back later", { isPermanent: false });
const refused = new ChannelError("550 no such user", { isPermanent: true });

Deno.test("Outbox sends through every channel, one after the other in each, and keeps the servers' words", async () => {
  const { channels: [mail, hook], saved, outbox } = open("mail", "hook");
  outbox.add(alert(1, outbox));
  outbox.add(alert(2, outbox));
  await mail!.answer("250 ok 1");
  await mail!.answer("250 ok 2");
  deepStrictEqual([mail!.asked, hook!.asked], [[1, 2], [1]]);
  strictEqual(saved.get(1)!.state, "waiting");
  await hook!.answer("204");
  strictEqual(saved.get(1)!.state, "sent");
  deepStrictEqual(saved.get(1)!.deliveries.map(({ answer }) => answer), ["250 ok 1", "204"]);
});

Deno.test("Outbox tries again after 5, 15, 45 s … and at most ten minutes, for a day", async () => {
  const { channels: [mail], saved, clock, outbox } = open("mail");
  outbox.add(alert(1, outbox));
  const pauses: number[] = [];
  while (saved.get(1)!.state === "waiting") {
    await mail!.answer(busy);
    const { nextUs } = saved.get(1)!.deliveries[0]!;
    if (nextUs === null) break;
    pauses.push((nextUs - clock.us) / 1e6);
    clock.us = nextUs - 1;
    outbox.pump();
    const before = mail!.asked.length;
    clock.us = nextUs;
    outbox.pump();
    strictEqual(mail!.asked.length, before + 1);
  }
  deepStrictEqual(pauses.slice(0, 6), [5, 15, 45, 135, 405, 600]);
  strictEqual(Math.max(...pauses), 600);
  ok(clock.us - startUs > 86_400e6 && clock.us - startUs < 88_000e6);
  match(saved.get(1)!.deliveries[0]!.answer, /^given up after a day: 421/);
  strictEqual(saved.get(1)!.state, "failed");
});

Deno.test("Outbox does not try again what a server refuses, and goes on with the next", async () => {
  const { channels: [mail], outbox, states } = open("mail");
  outbox.add(alert(1, outbox));
  outbox.add(alert(2, outbox));
  await mail!.answer(refused);
  deepStrictEqual([states(1), mail!.asked], [["failed"], [1, 2]]);
  deepStrictEqual(
    outbox.counts().map((
      { sent, failed, waiting, isFailing },
    ) => [sent, failed, waiting, isFailing]),
    [[0, 1, 1, true]],
  );
});

Deno.test("a server that says when it wants to be asked again is not asked before", async () => {
  for (const [askedS, fromS, toS] of [[120, 120, 120], [1, 3, 7], [90_000, 3600, 3600]] as const) {
    const { channels: [hook], outbox, saved } = open("hook");
    outbox.add(alert(1, outbox));
    await hook!.answer(
      new ChannelError("429", { isPermanent: false, retryAfterMs: askedS * 1000 }),
    );
    const waitS = (saved.get(1)!.deliveries[0]!.nextUs! - startUs) / 1e6;
    ok(waitS >= fromS && waitS <= toS, `${waitS} s`);
  }
});

Deno.test("a channel that hangs delays no other", async () => {
  const { channels: [mail, hook], outbox, states } = open("mail", "hook");
  for (const id of [1, 2, 3]) outbox.add(alert(id, outbox));
  for (let i = 0; i < 3; i++) await hook!.answer("204");
  deepStrictEqual([hook!.asked, mail!.asked], [[1, 2, 3], [1]]);
  deepStrictEqual(states(3), ["waiting", "sent"]);
});

Deno.test("a new start sends what was not taken, and nothing that was", async () => {
  const before = open("mail", "hook");
  before.outbox.add(alert(1, before.outbox));
  await before.channels[1]!.answer("204");
  const stored = before.saved.get(1)!;
  const after = open("mail", "hook");
  after.outbox.add(stored);
  deepStrictEqual([after.channels[0]!.asked, after.channels[1]!.asked], [[1], []]);
  const other = open("hook");
  other.outbox.add(stored);
  deepStrictEqual(other.saved.get(1)!.state, "sent");
  match(other.saved.get(1)!.deliveries[0]!.answer, /no longer set up/);
});

Deno.test("Outbox knows from earlier runs when each channel last took an alert and last failed", () => {
  const { outbox } = open("mail", "hook");
  const tried = (id: number, channel: string, state: "sent" | "failed", triedUs: number) => {
    const [delivery] = outbox.deliveries();
    const deliveries = [{ ...delivery!, channel, state, triedUs, answer: `${state} ${id}` }];
    return { ...alert(id, outbox), deliveries };
  };
  outbox.restore([
    tried(1, "mail", "failed", startUs - 9),
    tried(2, "mail", "failed", startUs - 7),
    tried(3, "mail", "sent", startUs - 5),
    tried(4, "hook", "sent", startUs - 3),
    tried(5, "hook", "failed", startUs - 2),
    tried(6, "pigeon", "failed", startUs - 1),
  ]);
  const seen = outbox.counts().map((
    { lastSentUs, lastFailedUs, lastFailure, isFailing },
  ) => [lastSentUs, lastFailedUs, lastFailure, isFailing]);
  deepStrictEqual(seen, [
    [startUs - 5, startUs - 7, "failed 2", false],
    [startUs - 3, startUs - 2, "failed 5", true],
  ]);
});

Deno.test("Outbox takes other channels up: nothing is sent twice, what waits for one that is gone is given up", async () => {
  const { channels: [mail, hook], outbox, saved, states } = open("mail", "hook");
  outbox.add(alert(1, outbox));
  outbox.add(alert(2, outbox));
  const newMail = new Scripted("mail");
  const syslog = new Scripted("syslog");
  outbox.setChannels([newMail, syslog]);
  deepStrictEqual([mail!.isClosed, hook!.isClosed], [false, false]);
  await mail!.answer("250 taken");
  await hook!.answer("200");
  deepStrictEqual([mail!.isClosed, hook!.isClosed], [true, true]);
  deepStrictEqual([states(1), mail!.asked, newMail.asked], [["sent", "sent"], [1], [2]]);
  deepStrictEqual([states(2), hook!.asked], [["waiting", "failed"], [1]]);
  strictEqual(saved.get(2)!.deliveries[1]!.answer, "this channel is no longer set up");
  await newMail.answer("250 taken");
  strictEqual(outbox.counts().find(({ channel }) => channel === "mail")!.sent, 2);
  outbox.add(alert(3, outbox));
  deepStrictEqual(syslog.asked, [3]);
  outbox.setChannels([]);
  strictEqual(syslog.isClosed, false);
  await syslog.answer("");
  strictEqual(syslog.isClosed, true);
});

for (const days of [1, -1, 3650, -3650]) {
  Deno.test(`Outbox gives nothing up and lets nothing wait when the clock is set by ${days} days`, async () => {
    const { channels: [mail], clock, outbox, states } = open("mail");
    outbox.add(alert(1, outbox));
    await mail!.answer(busy);
    clock.us += days * 86_400e6;
    outbox.pump();
    strictEqual(mail!.asked.length, 2);
    await mail!.answer(busy);
    deepStrictEqual(states(1), ["waiting"]);
    clock.us += 60e6;
    outbox.pump();
    await mail!.answer("250 ok");
    deepStrictEqual(states(1), ["sent"]);
  });
}
