/** Those who read the dashboard badly: stalled streams, half-open connections, bytes that are no HTTP. Pages answer meanwhile. */
import { ok, strictEqual } from "node:assert/strict";
import { clientsMax } from "../../routes/(_server)/event_hub.ts";
import { type ChildOptions, demoCapture, Program, testWith, withFolder } from "../program.ts";
import { byForm, checkLog, resources, sleep, until, waitAtMost } from "./lab.ts";

const test = testWith.bind(null, Deno.build.os === "linux" ? "" : "needs Linux");
const bytesOf = (text: string) => new TextEncoder().encode(text);

async function withProgram(
  use: (program: Program, connect: () => Promise<Deno.TcpConn>) => Promise<void>,
  { args = [], ...options }: ChildOptions & { readonly args?: readonly string[] } = {},
) {
  await withFolder(async (folder) => {
    const command = ["replay", demoCapture, "--results", `${folder}/r`, ...args];
    await using program = await Program.start(command, options);
    const { hostname, port } = new URL(program.url);
    await use(program, () => Deno.connect({ hostname, port: Number(port) }));
    strictEqual(await program.stop(), 0);
    checkLog(program.log);
  });
}

/** A page that waits for a reader waits for as long as that one stalls. */
const pageMsMax = 20_000;

/** Milliseconds that a page takes; a page that does not come fails. */
async function pageMs(program: Program): Promise<number> {
  const beganMs = performance.now();
  await program.get("/status");
  return performance.now() - beganMs;
}

function closeAll(connections: readonly Deno.TcpConn[]): void {
  for (const connection of connections) {
    try {
      connection.close();
    } catch {
      // the program has closed it
    }
  }
}

test("200 event streams of which 50 stall: those above the bound are refused, pages answer, handles come back", () =>
  withProgram(async (program, connect) => {
    await pageMs(program);
    const before = resources(program.pid);
    // They ask and read nothing, some of them before others come and have places.
    const stalled: Deno.TcpConn[] = [];
    const { host } = new URL(program.url);
    const stall = async (count: number) => {
      for (; count > 0; count--) {
        const connection = await connect();
        await connection.write(bytesOf(`GET /api/events HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
        stalled.push(connection);
      }
    };
    await stall(20);
    await until("streams", async () => await program.metric("tapwatch_event_streams") === 20);
    const abort = new AbortController();
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    const streams = Array.from(
      { length: 150 },
      () => fetch(`${program.url}/api/events`, { signal: abort.signal, client }),
    );
    const responses = (await Promise.allSettled(streams)).flatMap((one) =>
      one.status === "fulfilled" ? [one.value] : []
    );
    const read = responses.filter(({ status }) => status === 200).map(async ({ body }) => {
      for await (const _ of body!);
    });
    await stall(30);
    ok(read.length > 0, "some are served");
    ok(read.length <= clientsMax, `${read.length} are served`);
    const told = responses.filter(({ status }) => status === 503);
    strictEqual(read.length + told.length, responses.length, "the others are told");
    ok(await program.metric("tapwatch_event_streams") <= clientsMax);
    for (let count = 0; count < 5; count++) ok(await pageMs(program) < pageMsMax);
    const during = resources(program.pid);
    abort.abort();
    await Promise.allSettled(read);
    await Promise.allSettled(responses.map(({ body }) => body?.cancel()));
    closeAll(stalled);
    await until("handles come back", () => resources(program.pid).handles <= before.handles + 5);
    ok(during.rss < before.rss + 150e6, `${before.rss} to ${during.rss}`);
  }));

test("those who ask for large answers and read slowly, or not at all, cost little and hold nobody up", () =>
  withProgram(
    async (program, connect) => {
      await program.logged(/The file is at its end/);
      await pageMs(program);
      const before = resources(program.pid);
      const { host } = new URL(program.url);
      const paths = ["/api/export/pcap", "/api/flows?limit=1000", "/metrics", "/flows"];
      const open: Deno.TcpConn[] = [];
      for (let count = 0; count < byForm(40, 200); count++) {
        const connection = await connect();
        const path = paths[count % paths.length];
        await connection.write(bytesOf(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
        open.push(connection);
      }
      const piece = new Uint8Array(200);
      let most = 0;
      for (let second = 0; second < byForm(3, 30); second++) {
        // Every other one reads 200 bytes a second.
        for (const [index, connection] of open.entries()) {
          if (index % 2 === 0) {
            await waitAtMost(50, connection.read(piece));
          }
        }
        ok(await pageMs(program) < pageMsMax);
        most = Math.max(most, resources(program.pid).rss);
      }
      ok(most < before.rss + 200e6, `${before.rss} to ${most}`);
      closeAll(open);
      await until("handles come back", () => resources(program.pid).handles <= before.handles + 10);
    },
    { args: ["--speed", "max"] },
  ));

test("more connections than the process has handles for end nothing, and pages come", () =>
  withProgram(
    async (program, connect) => {
      await pageMs(program);
      const open: Deno.TcpConn[] = [];
      for (let count = 0; count < byForm(600, 5000); count++) {
        open.push(await connect());
        if (count % 3 === 1) {
          await open.at(-1)!.write(bytesOf("GET / HTTP/1.1\r\nHos")).catch(() => {});
        }
      }
      await until("a page comes", () => pageMs(program).then(() => true, () => false));
      closeAll(open);
    },
    { prefix: ["sh", "-c", 'ulimit -n 300 && exec "$@"', "sh"] },
  ));

test("connections that send nothing, or half a request, do not keep others out", () =>
  withProgram(async (program, connect) => {
    await pageMs(program);
    const before = resources(program.pid);
    const open: Deno.TcpConn[] = [];
    let refused = 0;
    for (let count = 0; count < byForm(300, 10_000); count++) {
      try {
        const connection = await connect();
        open.push(connection);
        if (count % 3 === 1) await connection.write(bytesOf("GET / HTTP/1.1\r\nHos"));
        if (count % 3 === 2) {
          await connection.write(bytesOf("POST /theme HTTP/1.1\r\nContent-Length: 9\r\n\r\n"));
        }
      } catch {
        refused++;
      }
      if (count % 100 === 0) await sleep(20);
    }
    await until("a page comes", async () => await pageMs(program).then(() => true, () => false));
    closeAll(open);
    await until("handles come back", () => resources(program.pid).handles <= before.handles + 10);
    ok(refused < byForm(300, 10_000), `${refused} refused`);
  }));

test("bytes that are no request, and requests that are none, are answered or cut off", () =>
  withProgram(async (program, connect) => {
    const { host } = new URL(program.url);
    const heads = [
      "GET / HTTP/9.9\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
      `GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: ${host}\r\n${"X-Y: z\r\n".repeat(5000)}\r\n`,
      `POST /theme HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nx`,
      `POST /theme HTTP/1.1\r\nHost: ${host}\r\nContent-Length: -1\r\n\r\n`,
      `GET //%00/..%2f..%2fetc/passwd HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: ${host}\r\nHost: x\r\n\r\n`,
      `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
    ];
    for (let round = 0; round < byForm(60, 5000); round++) {
      const connection = await connect();
      const random = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(200)));
      const text = round < heads.length
        ? heads[round]
        : random + heads[round % heads.length].slice(0, 50);
      await connection.write(bytesOf(text)).catch(() => {});
      const answer = new Uint8Array(1000);
      await waitAtMost(100, connection.read(answer));
      ok(!/\.ts:\d+|root:/.test(new TextDecoder().decode(answer)), text.slice(0, 80));
      closeAll([connection]);
    }
    ok(await pageMs(program) < pageMsMax);
  }));
