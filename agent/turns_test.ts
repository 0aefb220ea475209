import { deepStrictEqual, ok } from "node:assert/strict";
import { inTurns, Turns } from "./turns.ts";

/** Sends forty pieces of work, and one more for each that is done. */
const source = `self.onmessage = ({ data: port }) => {
  port.onmessage = () => port.postMessage("work");
  for (let i = 0; i < 40; i++) port.postMessage("work");
}`;
/** Answers, and says in shared memory how many answers it has sent. */
const echo = `self.onmessage = ({ data: port }) => {
  let sent;
  port.onmessage = ({ data }) => {
    if (data !== "question") return sent = new Int32Array(data);
    port.postMessage("answer");
    Atomics.add(sent, 0, 1);
    Atomics.notify(sent, 0);
  };
}`;
/** Asks in each piece of work and waits until the answer is sent: how many have not come when the next piece begins, at most. */
const work = `
import { inTurns } from "${new URL("./turns.ts", import.meta.url)}";
self.onmessage = ({ data: [works, asks] }) => {
  const sent = new Int32Array(new SharedArrayBuffer(4));
  asks.postMessage(sent.buffer);
  let [asked, answered, most] = [0, 0, 0];
  asks.onmessage = () => answered++;
  const take = inTurns(() => {
    most = Math.max(most, asked - answered);
    asks.postMessage("question");
    Atomics.wait(sent, 0, asked++);
    for (const endMs = performance.now() + 3; performance.now() < endMs;);
    works.postMessage("done");
    if (asked === 100) self.postMessage(most);
  });
  works.onmessage = () => take();
}`;

Deno.test("a thread that is behind hears the others between two pieces", async () => {
  const [works, asks] = [new MessageChannel(), new MessageChannel()];
  const begin = (code: string, ...ports: MessagePort[]) => {
    const url = `data:text/javascript,${encodeURIComponent(code)}`;
    const worker = new Worker(url, { type: "module" });
    worker.postMessage(ports.length === 1 ? ports[0] : ports, ports);
    return worker;
  };
  const worker = begin(work, works.port1, asks.port1);
  const others = [begin(source, works.port2), begin(echo, asks.port2)];
  const most = await new Promise<number>((resolve) =>
    worker.onmessage = ({ data }) => resolve(data)
  );
  ok(most <= 2, `${most} answers had not come`);
  for (const one of [worker, ...others]) one.terminate();
});

Deno.test("what comes is taken in its order, the first at once, the next not within it", async () => {
  const taken: string[] = [];
  const done = Promise.withResolvers<void>();
  const take = inTurns((thing: string) => {
    taken.push(`${thing} begins`);
    if (thing === "a") take("c");
    taken.push(`${thing} ends`);
    if (thing === "c") done.resolve();
  });
  take("a");
  // On a machine that was busy meanwhile the next waits for its turn.
  deepStrictEqual(taken, ["a begins", "a ends", "c begins", "c ends"].slice(0, taken.length));
  ok([2, 4].includes(taken.length), `${taken}`);
  take("d");
  await done.promise;
  await new Promise((resolve) => setTimeout(resolve, 5));
  deepStrictEqual(taken.filter((text) => text.endsWith("begins")), [
    "a begins",
    "c begins",
    "d begins",
  ]);
});

Deno.test("turns go on until there is no more to do", async () => {
  let left = 5;
  const turns = new Turns(() => --left > 0);
  turns.goOn();
  while (left > 0) await new Promise((resolve) => setTimeout(resolve));
  deepStrictEqual(left, 0);
});
