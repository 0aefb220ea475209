/** For tests of captures: the numbers of the C headers where there is a compiler, and packets that are sent over loopback. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { deepStrictEqual } from "node:assert/strict";

/** Of Ethernet, IPv4 and UDP. */
export const headerBytes = 14 + 20 + 8;

interface HeadersCheck {
  readonly headers: readonly string[];
  /** C expressions and what they are. */
  readonly expected: readonly (readonly [string, number])[];
  /** What is missing where it is skipped. */
  readonly needs: string;
}

/** Adds the test of a `layout.ts`. */
export async function testAgainstHeaders({ headers, expected, needs }: HeadersCheck) {
  const canCompile = await compileAndRun(headers, "").then((output) => output === "", () => false);
  Deno.test({
    name: "layout.ts agrees with the C headers" + (canCompile ? "" : ` (SKIPPED: no ${needs})`),
    ignore: !canCompile,
    fn: async () => {
      const lines = expected.map(([expression]) =>
        `printf("%lld\\n", (long long)(${expression}));`
      );
      const output = await compileAndRun(headers, lines.join("\n"));
      const actual = output.trim().split("\n").map(Number);
      deepStrictEqual(expected.map(([name], i) => [name, actual[i]]), expected);
    },
  });
}

async function compileAndRun(headers: readonly string[], body: string): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const includes = headers.map((name) => `#include <${name}>`).join("\n");
    await Deno.writeTextFile(`${folder}/a.c`, `${includes}\nint main(void) {\n${body}\n}\n`);
    await run("cc", ["-o", `${folder}/a`, `${folder}/a.c`]);
    return await run(`${folder}/a`, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(command: string, args: string[]): Promise<string> {
  const output = await new Deno.Command(command, { args }).output();
  const text = new TextDecoder();
  if (!output.success) throw new Error(text.decode(output.stderr));
  return text.decode(output.stdout);
}

/** A loopback socket that sends to itself. */
export async function openUdpSocket() {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  const send = (bytes: Uint8Array) =>
    new Promise<void>((resolve, reject) =>
      socket.send(bytes, port, "127.0.0.1", (error) => error ? reject(error) : resolve())
    );
  return { port, send, close: () => socket.close() };
}

/** A number as a datagram. */
export function payload(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** The records of a batch. */
export function* records(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at + 8, true);
    yield {
      seconds: view.getUint32(at, true),
      wireLength: view.getUint32(at + 12, true),
      data: new DataView(bytes.buffer, bytes.byteOffset + at + 16, length),
    };
    at += 16 + length;
  }
}
