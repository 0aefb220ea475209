/** Alerts as syslog messages: RFC 5424, over UDP (RFC 5426), TCP with octet counting (RFC 6587) or TLS (RFC 5425). */
import { createSocket } from "node:dgram";
import { connect as connectTcp, isIP, isIPv6, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { SyslogConfig } from "../alert_options.ts";
import type { Alert, Severity } from "../records.ts";
import { type Channel, ChannelError } from "./channel.ts";
import { type AlertStory, visible } from "./story.ts";
import { messageOf } from "../errors.ts";

interface SyslogOptions {
  readonly syslog: SyslogConfig;
  readonly tell: (alert: Alert) => Promise<AlertStory>;
  /** Longest wait for a connection and for what is written to be taken; 15 s unless told. */
  readonly answerMs?: number;
}

const answerMsDefault = 15_000;
/** Once all is written: how long a receiver may take to say that it will not have it, by a reset. */
const graceMs = 1000;
/** Facility 4: security and authorization messages. */
const facility = 4;
const levels: Readonly<Record<Severity, number>> = {
  critical: 2,
  high: 3,
  medium: 4,
  low: 5,
  info: 6,
};
/** Private enterprise number of examples (RFC 5612): we have none of our own. */
const structuredId = "tapwatch@32473";
/** Receivers must take 2,048 octets, and should take 8,192 (RFC 5425 section 4.3.1; RFC 5424 section 6.1). */
const octetsMax = 2048;

export class SyslogChannel implements Channel {
  readonly name: string;
  readonly #options: SyslogOptions;

  constructor(options: SyslogOptions) {
    this.#options = options;
    const { protocol, host, port } = options.syslog;
    this.name = `syslog ${protocol}://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  }

  async send(alert: Alert): Promise<string> {
    const { syslog, tell, answerMs = answerMsDefault } = this.#options;
    const message = syslogMessage(await tell(alert));
    try {
      if (syslog.protocol === "udp") await sendDatagram(syslog, message);
      else await sendFramed(syslog, message, answerMs);
    } catch (error) {
      throw new ChannelError(trouble(error, syslog), { isPermanent: false, cause: error });
    }
    // Syslog has no acknowledgement.
    return syslog.protocol === "udp"
      ? "sent; nobody acknowledges a datagram"
      : "written to the connection";
  }
}

/** Deno says no more than "UNKNOWN" of a certificate that it does not trust. */
function trouble(error: unknown, { protocol, host, port }: SyslogConfig): string {
  const text = messageOf(error);
  if (protocol !== "tls" || !/UNKNOWN|certificate/i.test(text)) return text;
  return `the certificate of ${host}:${port} is not trusted. If its authority is your own, name it: --syslog-ca FILE`;
}

/** One message: header, structured data, the headline. */
export function syslogMessage({ alert, incident, link, hostname }: AlertStory): Uint8Array {
  const priority = facility * 8 + levels[alert.severity];
  const time = new Date(alert.tsUs / 1000).toISOString();
  const host = printable(hostname, 255);
  const fields: readonly (readonly [string, string])[] = [
    ["alert", String(alert.id)],
    ["kind", alert.kind],
    ["trigger", alert.trigger],
    ["severity", alert.severity],
    ["source", alert.source],
    ["attack", alert.attackId],
    ["incident", alert.incidentId === null ? "" : String(alert.incidentId)],
    ["targets", incident?.targets.slice(0, 10).join(",") ?? ""],
    ["link", link],
  ];
  const data = fields.filter(([, value]) => value !== "")
    .map(([name, value]) => ` ${name}="${escaped(value)}"`).join("");
  const header = `<${priority}>1 ${time} ${host} tapwatch ${Deno.pid} alert`;
  const encoder = new TextEncoder();
  const text = encoder.encode(
    `${header} [${structuredId}${data}] \ufeff${visible(alert.headline)}`,
  );
  return text.length <= octetsMax ? text : wholeCharacters(text.subarray(0, octetsMax));
}

/** PARAM-VALUE: " \ and ] have a backslash before them (RFC 5424 section 6.3.3). */
function escaped(text: string): string {
  return visible(text).replace(/["\\\]]/g, (mark) => `\\${mark}`);
}

/** PRINTUSASCII, or the nil value. */
function printable(text: string, lengthMax: number): string {
  return text.replace(/[^\x21-\x7e]/g, "").slice(0, lengthMax) || "-";
}

/** Without the beginning of a character at the end (RFC 3629). */
function wholeCharacters(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1]! & 0xc0) === 0x80) end--;
  const lead = bytes[end - 1] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return bytes.subarray(0, end - 1 + length <= bytes.length ? end - 1 + length : end - 1);
}

function sendDatagram({ host, port }: SyslogConfig, message: Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  socket.on("error", reject);
  socket.send(message, port, host, (error) => error ? reject(error) : resolve());
  return promise.finally(() => socket.close());
}

/** A connection a message: alerts are few, and a connection that has gone would take one with it unnoticed. */
function sendFramed(
  { protocol, host, port, ca }: SyslogConfig,
  message: Uint8Array,
  answerMs: number,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let grace: number | undefined;
  const ready = () => {
    socket.write(new TextEncoder().encode(`${message.length} `));
    // A receiver that keeps its side open has the message all the same.
    socket.end(message, () => grace = setTimeout(() => socket.destroy(), graceMs));
  };
  const tlsOptions = { ...(!isIP(host) && { servername: host }), ...(ca !== null && { ca: [ca] }) };
  const socket: Socket = protocol === "tls"
    ? connectTls({ host, port, ...tlsOptions }, ready)
    : connectTcp({ host, port }, ready);
  socket.setTimeout(
    answerMs,
    () => socket.destroy(new Error(`no answer within ${answerMs / 1000} s`)),
  );
  socket.on("error", reject);
  socket.on("close", (hadError) => hadError || resolve());
  socket.resume();
  return promise.finally(() => clearTimeout(grace));
}
