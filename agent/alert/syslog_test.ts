/** Syslog against real listeners over UDP, TCP and TLS, whose messages are taken apart by the grammar of RFC 5424. */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { createSocket } from "node:dgram";
import { makeCertificates } from "../../tests/mail_server.ts";
import { freePort, patienceMs } from "../../tests/program.ts";
import type { SyslogConfig } from "../alert_options.ts";
import type { Alert } from "../records.ts";
import { ChannelError } from "./channel.ts";
import { SyslogChannel, syslogMessage } from "./syslog.ts";
import { hostile, story } from "./testing/sample_story.ts";

interface Message {
  readonly priority: number;
  readonly timestamp: string;
  readonly hostname: string;
  readonly app: string;
  readonly process: string;
  readonly id: string;
  readonly data: Readonly<Record<string, string>>;
  readonly text: string;
}

/** RFC 5424 section 6. Throws Error for what is none. */
function parse(bytes: Uint8Array): Message {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const header =
    /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) \[([^ =\]"]{1,32})/
      .exec(text);
  if (header === null) throw new Error(`No header: ${text}`);
  const data: Record<string, string> = {};
  let rest = text.slice(header[0].length);
  for (;;) {
    const field = /^ ([^ =\]"]{1,32})="((?:[^"\\\]]|\\["\\\]])*)"/.exec(rest);
    if (field === null) break;
    data[field[1]!] = field[2]!.replace(/\\(["\\\]])/g, "$1");
    rest = rest.slice(field[0].length);
  }
  if (!rest.startsWith("] \ufeff")) throw new Error(`No end of the structured data: ${rest}`);
  const [, priority, timestamp, hostname, app, process, id, name] = header;
  strictEqual(name, "tapwatch@32473");
  return {
    priority: Number(priority),
    timestamp: timestamp!,
    hostname: hostname!,
    app: app!,
    process: process!,
    id: id!,
    data,
    text: rest.slice(3),
  };
}

/** Messages of a stream with octet counting (RFC 6587 section 3.4.1); all of it has to be used up. */
function unframe(bytes: Uint8Array): Message[] {
  const messages: Message[] = [];
  let at = 0;
  while (at < bytes.length) {
    const blank = bytes.indexOf(0x20, at);
    const count = new TextDecoder().decode(bytes.subarray(at, blank));
    match(count, /^[1-9]\d*$/);
    at = blank + 1 + Number(count);
    ok(at <= bytes.length, "cut off");
    messages.push(parse(bytes.subarray(blank + 1, at)));
  }
  return messages;
}

/** Takes what comes until the other side has ended; `keepsOpen` does not end its own. */
function listen(listener: Deno.Listener, { keepsOpen = false } = {}) {
  const taken: Message[] = [];
  const open: Deno.Conn[] = [];
  let wake = () => {};
  const serve = async (connection: Deno.Conn) => {
    const bytes = new Uint8Array(65_536);
    let length = 0;
    try {
      for (let read; (read = await connection.read(bytes.subarray(length)));) length += read;
      taken.push(...unframe(bytes.subarray(0, length)));
    } catch {
      // A handshake that the other side broke off.
    }
    if (keepsOpen) open.push(connection);
    else connection.close();
    wake();
  };
  const serving = (async () => {
    for await (const connection of listener) void serve(connection);
  })();
  return {
    taken,
    async until(count: number) {
      while (taken.length < count) await new Promise<void>((resolve) => wake = resolve);
    },
    async stop() {
      listener.close();
      await serving;
      for (const connection of open) connection.close();
    },
  };
}

function channelTo(syslog: Partial<SyslogConfig> & { port: number }, answerMs = patienceMs) {
  return new SyslogChannel({
    syslog: { protocol: "tcp", host: "localhost", ca: null, ...syslog },
    tell: (alert: Alert) => Promise.resolve(story(alert)),
    answerMs,
  });
}

async function failure(sent: Promise<string>): Promise<ChannelError> {
  const error = await sent.then(() => null, (error) => error);
  ok(error instanceof ChannelError, "it did not fail");
  strictEqual(error.isPermanent, false);
  return error;
}

const portOf = (listener: Deno.Listener) => (listener.addr as Deno.NetAddr).port;

Deno.test("a message is of RFC 5424, with the incident as structured data", () => {
  const message = parse(syslogMessage(story()));
  deepStrictEqual(
    [message.priority, message.timestamp, message.hostname, message.app, message.id],
    [4 * 8 + 3, "2026-01-01T00:00:00.000Z", "edge", "tapwatch", "alert"],
  );
  deepStrictEqual(message.data, {
    alert: "12",
    kind: "incident",
    trigger: "opened",
    severity: "high",
    source: "192.168.77.20",
    attack: "T1046",
    incident: "7",
    targets: "192.168.77.2,192.168.77.3",
    link: "https://tap.example.org/incidents/7",
  });
  match(message.text, /^phone\.local .*<U\+000D><U\+000A>Bcc: /);
});

Deno.test("severities are those of syslog, and hostile names stay where they belong", () => {
  const levels = (["critical", "high", "medium", "low", "info"] as const).map((severity) =>
    parse(syslogMessage(story({ severity }))).priority - 32
  );
  deepStrictEqual(levels, [2, 3, 4, 5, 6]);
  const source = `a"] <34>1 - - - - - ] \\ ${hostile}`;
  const { data, hostname } = parse(
    syslogMessage({ ...story({ source }), hostname: "my host\n<1>ü" }),
  );
  match(data.source!, /^a"\] <34>1 - - - - - \] \\ evil<U\+000D>/);
  strictEqual(hostname, "myhost<1>");
});

Deno.test("what is too long is cut between characters", () => {
  for (const padding of ["", "x", "xx", "xxx"]) {
    const bytes = syslogMessage(story({ headline: padding + "😀".repeat(2000) }));
    ok(bytes.length <= 2048 && bytes.length > 2040);
    match(parse(bytes).text, /^x*(😀)+$/u);
  }
});

Deno.test("UDP: a datagram a message", async () => {
  const socket = createSocket("udp4");
  const came = Promise.withResolvers<Uint8Array>();
  socket.on("message", (bytes: Uint8Array) => came.resolve(bytes));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", () => resolve()));
  const channel = channelTo({ protocol: "udp", host: "127.0.0.1", port: socket.address().port });
  strictEqual(await channel.send(story().alert), "sent; nobody acknowledges a datagram");
  strictEqual(parse(await came.promise).data.incident, "7");
  socket.close();
});

Deno.test("TCP: octets are counted, message after message", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const server = listen(listener);
  const channel = channelTo({ host: "127.0.0.1", port: portOf(listener) });
  for (let id = 1; id <= 50; id++) {
    const headline = `${"ü😀".repeat(id)} 12 <1>`;
    strictEqual(await channel.send(story({ id, headline }).alert), "written to the connection");
  }
  await server.until(50);
  deepStrictEqual(
    server.taken.map(({ data }) => Number(data.alert)),
    Array.from(
      { length: 50 },
      (_, index) => index + 1,
    ),
  );
  ok(server.taken.every(({ text }) => text.endsWith(" 12 <1>")));
  await server.stop();
});

Deno.test("TCP: a receiver that is gone is told, and reached again when it is back", async () => {
  const port = freePort();
  const first = Deno.listen({ hostname: "127.0.0.1", port });
  const before = listen(first);
  const channel = channelTo({ host: "127.0.0.1", port });
  await channel.send(story({ id: 1 }).alert);
  await before.until(1);
  await before.stop();
  match((await failure(channel.send(story({ id: 2 }).alert))).message, /refused/i);
  const after = listen(Deno.listen({ hostname: "127.0.0.1", port }));
  await channel.send(story({ id: 2 }).alert);
  await after.until(1);
  strictEqual(after.taken[0]!.data.alert, "2");
  await after.stop();
});

Deno.test("TCP: a receiver that keeps its side open has taken the message once", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const server = listen(listener, { keepsOpen: true });
  const channel = channelTo({ host: "127.0.0.1", port: portOf(listener) });
  strictEqual(await channel.send(story().alert), "written to the connection");
  await server.until(1);
  strictEqual(server.taken.length, 1);
  await server.stop();
});

/** Deno lets go of a connection whose handshake has failed only after the test. */
function tlsTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

tlsTest("TLS: an authority of one's own is trusted when it is named, and not before", async () => {
  const { ca, cert, key } = await makeCertificates();
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: await Deno.readTextFile(cert),
    key: await Deno.readTextFile(key),
  });
  const server = listen(listener);
  const port = portOf(listener);
  const trusting = channelTo({ protocol: "tls", port, ca: await Deno.readTextFile(ca) });
  for (const id of [1, 2, 3]) await trusting.send(story({ id }).alert);
  await server.until(3);
  deepStrictEqual(server.taken.map(({ data }) => data.alert), ["1", "2", "3"]);
  const wary = channelTo({ protocol: "tls", port });
  match(
    (await failure(wary.send(story().alert))).message,
    /certificate of localhost:\d+ is not trusted.*--syslog-ca FILE/,
  );
  strictEqual(server.taken.length, 3);
  await server.stop();
});

tlsTest(
  "TLS: a listener that speaks none, or never answers, is a failure that may pass",
  async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const connections: Deno.Conn[] = [];
    const accepting = (async () => {
      for await (const connection of listener) connections.push(connection);
    })();
    const channel = channelTo({ protocol: "tls", port: portOf(listener) }, 2000);
    match((await failure(channel.send(story().alert))).message, /no answer within 2 s/);
    listener.close();
    await accepting;
    for (const connection of connections) connection.close();
  },
);
