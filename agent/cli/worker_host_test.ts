import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { WorkerHost } from "./worker_host.ts";

/** Answers "hello" and dies of "crash". */
const code = `self.onmessage = ({ data }) => {
  if (data === "crash") throw new Error("asked to");
  self.postMessage("got " + data);
};`;
const url = `data:application/javascript,${encodeURIComponent(code)}`;

/** A host of such workers, and a promise for each next thing that it says. */
function startHost() {
  const said: string[] = [];
  let tell = () => {};
  let begun = 0;
  const say = (text: string) => {
    said.push(text);
    tell();
  };
  const host = new WorkerHost<string>({
    name: "test",
    spawn: () => new Worker(url, { type: "module" }),
    begin: (worker) => worker.postMessage(`start ${++begun}`),
    onMessage: say,
    onCrash: say,
  });
  const next = async () => {
    while (said.length === 0) await new Promise<void>((resolve) => tell = resolve);
    return said.shift()!;
  };
  return { host, next, said };
}

Deno.test("WorkerHost starts a crashed worker anew, after a pause that doubles", async () => {
  const { host, next } = startHost();
  strictEqual(host.isRunning, false);
  host.start();
  strictEqual(await next(), "got start 1");
  host.post("crash");
  match(await next(), /^The test thread crashed \(.*asked to\); it starts again in 0\.5 s\.$/);
  strictEqual(host.isRunning, false);
  strictEqual(await next(), "got start 2");
  host.post("crash");
  match(await next(), /starts again in 1 s/);
  strictEqual(await next(), "got start 3");
  host.terminate();
});

Deno.test("WorkerHost lets a crashed worker be once it was told to end", async () => {
  const { host, next, said } = startHost();
  host.start();
  strictEqual(await next(), "got start 1");
  host.post("crash");
  match(await next(), /crashed/);
  // Deno's sanitizer fails this test if the timer of the next start is left.
  host.terminate();
  deepStrictEqual([host.isRunning, said], [false, []]);
});

Deno.test("WorkerHost.restart() puts a new worker in the place of the running one", async () => {
  const { host, next } = startHost();
  host.start();
  strictEqual(await next(), "got start 1");
  host.restart();
  strictEqual(await next(), "got start 2");
  host.terminate();
});

Deno.test("WorkerHost.restart() tells the worker before to end, and listens to it no more", async () => {
  const { host, next, said } = startHost();
  host.start();
  strictEqual(await next(), "got start 1");
  host.restart("bye");
  strictEqual(await next(), "got start 2");
  host.post("hello");
  strictEqual(await next(), "got hello");
  deepStrictEqual(said, []);
  host.terminate();
});

Deno.test("WorkerHost.prepare() makes the worker that start() begins, or terminate() ends", async () => {
  let [made, ended] = [0, 0];
  const { promise, resolve } = Promise.withResolvers<string>();
  const options = {
    name: "test",
    spawn: () => {
      made++;
      const worker = new Worker(url, { type: "module" });
      const terminate = worker.terminate.bind(worker);
      worker.terminate = () => {
        ended++;
        terminate();
      };
      return worker;
    },
    begin: (worker: Worker) => worker.postMessage("start"),
    onMessage: resolve,
    onCrash: () => {},
  };
  const host = new WorkerHost<string>(options);
  host.prepare();
  deepStrictEqual([host.isRunning, made, ended], [false, 1, 0]);
  host.start();
  strictEqual(await promise, "got start");
  deepStrictEqual([host.isRunning, made, ended], [true, 1, 0]);
  host.terminate();
  const other = new WorkerHost<string>(options);
  other.prepare();
  other.terminate();
  deepStrictEqual([made, ended], [2, 2]);
});
