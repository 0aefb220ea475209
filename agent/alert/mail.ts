/** Alerts by mail, through nodemailer: one mail an alert, those of one incident in one thread. */
import { Buffer } from "node:buffer";
import { isIP } from "node:net";
import { createTransport, type SentMessageInfo, type Transporter } from "nodemailer";
import type { SmtpConfig } from "../config.ts";
import type { Alert } from "../records.ts";
import { type Channel, ChannelError } from "./channel.ts";
import { htmlBody, plainBody } from "./mail_text.ts";
import { type SmtpFailure, smtpTrouble } from "./smtp_trouble.ts";
import { type AlertStory, subjectLine } from "./story.ts";

interface MailOptions {
  readonly smtp: SmtpConfig;
  readonly from: string;
  readonly to: readonly string[];
  readonly tell: (alert: Alert) => Promise<AlertStory>;
  /** Longest wait for an answer; 30 s unless told. */
  readonly answerMs?: number;
}

const connectMs = 15_000;
const answerMsDefault = 30_000;

export class MailChannel implements Channel {
  readonly name: string;
  readonly #options: MailOptions;
  readonly #transport: Transporter;

  constructor(options: MailOptions) {
    this.#options = options;
    this.name = `mail to ${options.to.join(", ")}`;
    this.#transport = smtpTransport(options.smtp, options.answerMs);
  }

  async send(alert: Alert): Promise<string> {
    const { smtp, from, to, tell } = this.#options;
    const story = await tell(alert);
    try {
      const info = await this.#transport.sendMail({
        from: { name: "tapwatch", address: from },
        to: [...to],
        // A name must not pass for an encoded word (RFC 2047), which a reader would decode.
        subject: subjectLine(story).replaceAll("=?", "=<U+003F>"),
        date: new Date(alert.tsUs / 1000),
        ...threadOf(story, from),
        text: plainBody(story),
        html: htmlBody(story),
        attachments: attachmentsOf(story),
        headers: { "Auto-Submitted": "auto-generated", "X-Tapwatch-Severity": alert.severity },
      });
      return acceptance(info);
    } catch (error) {
      const failure = error as SmtpFailure;
      throw new ChannelError(smtpTrouble(failure, smtp), {
        isPermanent: isRefusal(failure),
        cause: error,
      });
    }
  }

  close(): void {
    this.#transport.close();
  }
}

/** Nothing of a message is ever read from a file or an address. */
export function smtpTransport(
  { host, port, user, password, security, ca }: SmtpConfig,
  answerMs = answerMsDefault,
): Transporter {
  return createTransport({
    host,
    port,
    secure: security === "tls",
    requireTLS: security === "starttls",
    ignoreTLS: security === "none",
    ...(user !== null && { auth: { user, pass: password ?? "" } }),
    tls: { ...(!isIP(host) && { servername: host }), ...(ca !== null && { ca: [ca] }) },
    connectionTimeout: Math.min(connectMs, answerMs),
    greetingTimeout: Math.min(connectMs, answerMs),
    socketTimeout: answerMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** The server's words; who of several receivers was refused too. */
function acceptance({ response, rejected = [] }: SentMessageInfo): string {
  const refused = rejected.length > 0 ? `; refused for ${rejected.join(", ")}` : "";
  return `${response}${refused}`;
}

/** Refused for good: by an answer of 5xx to the mail or its receivers, not to the greeting or the login. */
function isRefusal({ code, responseCode }: SmtpFailure): boolean {
  return (code === "EENVELOPE" || code === "EMESSAGE") && responseCode !== undefined &&
    responseCode >= 500;
}

/** The first mail of an incident begins its thread, and a second copy of a mail has the same id. */
function threadOf({ alert, databaseId, hostname }: AlertStory, from: string) {
  const domain = from.split("@").at(-1) || hostname;
  if (alert.incidentId === null) {
    return { messageId: `<alert-${alert.id}.${databaseId}@${domain}>` };
  }
  const first = `<incident-${alert.incidentId}.${databaseId}@${domain}>`;
  if (alert.trigger === "opened") return { messageId: first };
  return {
    messageId: `<incident-${alert.incidentId}.${alert.id}.${databaseId}@${domain}>`,
    inReplyTo: first,
    references: [first],
  };
}

function attachmentsOf({ alert, evidence }: AlertStory) {
  if ("missing" in evidence) return [];
  return [{
    filename: `incident-${alert.incidentId}.pcap`,
    content: Buffer.from(evidence.pcap.buffer, 0, evidence.pcap.length),
    contentType: "application/vnd.tcpdump.pcap",
  }];
}
