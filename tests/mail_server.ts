/** Starts tests/mail_server.py, a real SMTP server, and reads what it says. */
import { mustRun } from "./program.ts";

const python = "/usr/bin/python3";
const script = new URL("mail_server.py", import.meta.url).pathname;

/** Whether Debian's python3-aiosmtpd is there. */
export const hasMailServer = canRun(python, "-c", "import aiosmtpd");

interface MailPart {
  readonly type: string;
  readonly name: string | null;
  readonly text: string | null;
  readonly bytes: number;
  readonly base64: string | null;
}
/** A mail that was taken, or the word by which one was turned away. */
interface MailEvent {
  readonly taken?: {
    readonly headers: readonly (readonly [name: string, value: string])[];
    readonly parts: readonly MailPart[];
    readonly defects: readonly string[];
  };
  /** When it was taken, seconds since 1970. */
  readonly at?: number;
  readonly to?: readonly string[];
  readonly tls?: boolean;
  readonly user?: boolean;
  readonly turned_away?: string;
}
export interface MailServer {
  readonly port: number;
  /** The next mail that has come, or will. */
  next(): Promise<MailEvent>;
  stop(): Promise<void>;
}

/** `prefix` is a command that starts another, such as in a network namespace. */
export async function startMailServer(
  args: readonly string[],
  prefix: readonly string[] = [],
): Promise<MailServer> {
  const [command, ...rest] = [...prefix, python, script, ...args];
  const child = new Deno.Command(command!, {
    args: rest,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  // What it says is always read: a mail is longer than a pipe is, and it would wait.
  const lines: string[] = [];
  let wake = () => {};
  let hasEnded = false;
  const reading = (async () => {
    let rest = "";
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + piece).split("\n");
      rest = parts.pop()!;
      lines.push(...parts);
      wake();
    }
    hasEnded = true;
    wake();
  })();
  const read = async () => {
    while (lines.length === 0) {
      if (hasEnded) throw new Error("The mail server has ended");
      await new Promise<void>((resolve) => wake = resolve);
    }
    return JSON.parse(lines.shift()!);
  };
  const { port } = await read();
  let isStopped = false;
  return {
    port,
    next: read,
    async stop() {
      if (isStopped) return;
      isStopped = true;
      await child.stdin.close();
      await reading;
      await child.status;
    },
  };
}

/** Paths of an authority, and of a certificate for localhost by it with its key; made once. */
export function makeCertificates(): Promise<{ ca: string; cert: string; key: string }> {
  return made ??= certificates();
}
let made: Promise<{ ca: string; cert: string; key: string }> | null = null;

async function certificates() {
  const folder = await Deno.makeTempDir({ prefix: "tapwatch-certs-" });
  const path = (name: string) => `${folder}/${name}`;
  const names = { ca: path("ca.pem"), cert: path("cert.pem"), key: path("key.pem") };
  await Deno.writeTextFile(
    path("leaf.ext"),
    "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
  );
  const ecKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const openssl = (...args: string[]) => mustRun("openssl", ...args);
  await openssl(
    ...["req", "-x509", ...ecKey, "-days", "2", "-subj", "/CN=tapwatch test authority"],
    ...["-keyout", path("ca.key"), "-out", names.ca],
  );
  await openssl(
    ...["req", ...ecKey, "-subj", "/CN=localhost", "-keyout", names.key, "-out", path("leaf.csr")],
  );
  await openssl(
    ...["x509", "-req", "-in", path("leaf.csr"), "-CA", names.ca, "-CAkey", path("ca.key")],
    ...["-CAcreateserial", "-days", "2", "-extfile", path("leaf.ext"), "-out", names.cert],
  );
  globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return names;
}

function canRun(command: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
