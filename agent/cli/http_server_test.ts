import { ok, strictEqual } from "node:assert/strict";
import { connectionsMax, HttpServer } from "./http_server.ts";

async function withServer(
  handler: Deno.ServeHandler,
  use: (connect: () => Promise<Deno.TcpConn>, stop: () => Promise<void>) => Promise<void>,
) {
  const server = new HttpServer({ hostname: "127.0.0.1", port: 0 }, handler);
  let stopped: Promise<void> | null = null;
  const stop = () => stopped ??= server.stop(2000);
  try {
    await use(() => Deno.connect({ hostname: "127.0.0.1", port: server.port }), stop);
  } finally {
    await stop();
  }
}

const send = (connection: Deno.TcpConn, text: string) =>
  connection.write(new TextEncoder().encode(text));

/** All that comes until the other side closes. */
async function readAll(connection: Deno.TcpConn): Promise<string> {
  return await new Response(connection.readable).text();
}

const ask = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

Deno.test("connections that ask nothing make room for those that do, and those that read stay", async () => {
  let read: Promise<string> | null = null;
  await withServer(
    (request) =>
      request.url.endsWith("/stream")
        ? new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode("first")),
          }),
        )
        : new Response("here"),
    async (connect) => {
      const reader = await connect();
      await send(reader, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
      const piece = new Uint8Array(1000);
      let got = "";
      while (!got.includes("first")) {
        got += new TextDecoder().decode(piece.subarray(0, (await reader.read(piece))!));
      }
      const open: Deno.TcpConn[] = [];
      for (let count = 0; count < connectionsMax + 50; count++) {
        const connection = await connect();
        if (count % 2 === 0) await send(connection, "GET / HTTP/1.1\r\nHos");
        open.push(connection);
      }
      const late = await connect();
      await send(late, ask.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
      ok((await readAll(late)).endsWith("here"));
      // Those that came first are closed: its reading ends.
      strictEqual(await open[1]!.read(piece), null);
      for (const connection of open) connection.close();
      read = readAll(reader);
    },
  );
  await read!.catch(() => {});
});

Deno.test("at its end an answer that is under way comes, and no other", () =>
  withServer(
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return new Response("late but whole");
    },
    async (connect, stop) => {
      const asking = await connect();
      await send(asking, ask);
      const idle = await connect();
      await new Promise((resolve) => setTimeout(resolve, 100));
      const stopped = stop();
      ok((await readAll(asking)).endsWith("late but whole"));
      strictEqual(await readAll(idle), "");
      await stopped;
    },
  ));
