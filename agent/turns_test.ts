import { deepStrictEqual, ok } from "node:assert/strict";
import { inTurns, Turns } from "./turns.ts";

/** Sends forty pieces of work, and one more for each that is done. */
const source = `self.onmessage = ({ data: port }) => {
  port.onmessage = () => port.postMessage("work");
  for (let i = 0; i < 40; i++) port.postMessage("work");
}`;
/** Answers at once. */
const echo = `self.onmessage = ({ data: port }) => {
  port.onmessage = () => port.postMessage("answer");
  port.postMessage("answer");
}`;
/**
 * Does what comes, asks after each piece, and tells how many questions were open at most and how many pieces were done when it heard
 * from the thread that began it.
 */
const work = `
import { inTurns } from "${new URL("./turns.ts", import.meta.url)}";
let [asked, answered, most, heardAt] = [0, 0, 0, 0];
self.onmessage = async ({ data }) => {
  if (data === "hear") heardAt ||= asked;
  else begin(...data);
};
async function begin(works, asks) {
  // The one that answers has begun.
  await new Promise((resolve) => asks.onmessage = resolve);
  asks.onmessage = () => answered++;
  const take = inTurns(() => {
    for (const endMs = performance.now() + 5; performance.now() < endMs;);
    works.postMessage("done");
    asks.postMessage(++asked);
    most = Math.max(most, asked - answered);
    if (asked === 1) self.postMessage("working");
    if (asked === 100) self.postMessage([most, heardAt]);
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
  const [most, heardAt] = await new Promise<[number, number]>((resolve) =>
    worker.onmessage = ({ data }) => {
      if (data === "working") worker.postMessage("hear");
      else resolve(data);
    }
  );
  ok(most < 10, `${most} answers waited`);
  ok(heardAt > 0 && heardAt < 50, `heard after ${heardAt} of 100 pieces`);
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
  deepStrictEqual(taken, ["a begins", "a ends"]);
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
