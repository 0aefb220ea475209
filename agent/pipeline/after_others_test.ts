import { ok } from "node:assert/strict";

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
/** Does what comes a piece at a time, asks after each, and tells how many questions were open at most. */
const work = `
import { afterOthers } from "${new URL("./after_others.ts", import.meta.url)}";
self.onmessage = async ({ data: [works, asks] }) => {
  // The one that answers has begun.
  await new Promise((resolve) => asks.onmessage = resolve);
  let [waiting, asked, answered, most, isDue] = [0, 0, 0, 0, false];
  asks.onmessage = () => answered++;
  works.onmessage = () => {
    waiting++;
    goOn();
  };
  const goOn = () => {
    if (isDue) return;
    isDue = true;
    afterOthers(takeTurn);
  };
  const takeTurn = () => {
    isDue = false;
    if (waiting === 0) return;
    waiting--;
    for (const endMs = performance.now() + 5; performance.now() < endMs;);
    works.postMessage("done");
    asks.postMessage(++asked);
    most = Math.max(most, asked - answered);
    if (asked === 100) self.postMessage(most);
    else goOn();
  };
}`;

Deno.test("afterOthers() lets answers of another thread through after each piece of work, whatever waits", async () => {
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
  ok(most < 10, `${most} answers waited`);
  for (const one of [worker, ...others]) one.terminate();
});
