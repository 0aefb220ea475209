/**
 * The text of a DNS message: its first question and its answers, as strings that are bounded and safe to print.
 */
import type { DnsDetails } from "../records.ts";
import { readText } from "./app_text.ts";
import { readUint16 } from "./bytes.ts";
import {
  dnsAnswerCount,
  dnsHeaderLength,
  dnsNameLengthMax,
  dnsQuestionCount,
  dnsRcode,
  dnsTypeName,
  expandDnsName,
  expandedName,
  isDnsResponse,
  readDnsHeader,
  skipDnsName,
} from "./dns.ts";
import { formatIpv4, formatIpv6 } from "./addresses.ts";

const answersMax = 32;
const textDataMax = 255;

const rcodeNames = [
  "NOERROR",
  "FORMERR",
  "SERVFAIL",
  "NXDOMAIN",
  "NOTIMP",
  "REFUSED",
  "YXDOMAIN",
  "YXRRSET",
  "NXRRSET",
  "NOTAUTH",
  "NOTZONE",
  "DSOTYPENI",
  "RCODE12",
  "RCODE13",
  "RCODE14",
  "RCODE15",
] as const;

/** What differs between DNS and NBNS: how a name becomes text, what the types are called, what record data says. */
export interface DnsDialect {
  /** The name at `at`; null when it is not good. */
  readonly readName: (message: Message, at: number) => string | null;
  readonly typeName: (type: number) => string;
  /** Data of a record between `at` and `end`; null when it is not what its type says. */
  readonly describeData: (message: Message, type: number, at: number, end: number) => string | null;
}

/** A message and where it stands: from `start` (pointers count from there) to `end`. */
export interface Message {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

const plainDns: DnsDialect = { readName, typeName: dnsTypeName, describeData };

/**
 * Reads the message between `start` and `end`: its first question and at most 32 answers, up to the first byte that is not
 * good. Null when the header or the first question is not good. `queryName` is "" in a message without a question,
 * `<Root>` for the empty name.
 */
export function readDnsMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  dialect = plainDns,
): DnsDetails | null {
  const header = readDnsHeader(bytes, start, end);
  if (header < 0) return null;
  const message = { bytes, start, end };
  const first = start + dnsHeaderLength;
  let queryName: string | null = "";
  let queryType = "";
  if (dnsQuestionCount(header) > 0) {
    const next = skipDnsName(bytes, first, end);
    queryName = dialect.readName(message, first);
    if (queryName === null || next < 0 || next + 4 > end) return null;
    queryType = dialect.typeName(readUint16(bytes, next));
  }
  const answers = readAnswers(message, skipQuestions(message, header), {
    header,
    queryName,
    dialect,
  });
  const id = readUint16(bytes, start);
  if (!isDnsResponse(header)) return { id, isResponse: false, queryName, queryType, answers };
  const rcode = rcodeNames[dnsRcode(header)];
  return { id, isResponse: true, queryName, queryType, rcode, answers };
}

/** Position after the questions; the end of the message when one is not good. */
function skipQuestions(message: Message, header: number): number {
  let next = message.start + dnsHeaderLength;
  for (let i = 0; i < dnsQuestionCount(header); i++) {
    next = skipDnsName(message.bytes, next, message.end) + 4;
    if (next < 4 || next > message.end) return message.end;
  }
  return next;
}

function readAnswers(
  message: Message,
  at: number,
  { header, queryName, dialect }: {
    readonly header: number;
    readonly queryName: string;
    readonly dialect: DnsDialect;
  },
): DnsDetails["answers"] {
  const { bytes, end } = message;
  const answers = [];
  let record = at;
  for (let i = Math.min(answersMax, dnsAnswerCount(header)); i > 0; i--) {
    const fields = skipDnsName(bytes, record, end);
    if (fields < 0 || fields + 10 > end) break;
    const type = readUint16(bytes, fields);
    const length = readUint16(bytes, fields + 8);
    const dataEnd = fields + 10 + length;
    const name = isQueryName(message, record) && queryName !== ""
      ? queryName
      : dialect.readName(message, record);
    if (dataEnd > end || name === null) break;
    const typeName = dialect.typeName(type);
    const data = dialect.describeData(message, type, fields + 10, dataEnd) ??
      `${typeName} ${length}`;
    answers.push({ name, type: typeName, data });
    record = dataEnd;
  }
  return answers;
}

/** Whether a name is but a pointer to the first question's (RFC 1035 section 4.1.4), as most are. */
function isQueryName({ bytes }: Message, at: number): boolean {
  return bytes[at] === 0xc0 && bytes[at + 1] === dnsHeaderLength;
}

function readName(message: Message, at: number): string | null {
  const length = expandDnsName(message.bytes, message.start, message.end, at);
  if (length < 0) return null;
  return length === 0 ? "<Root>" : readText(expandedName, 0, length, dnsNameLengthMax);
}

function describeData(message: Message, type: number, at: number, end: number): string | null {
  const { bytes } = message;
  switch (type) {
    case 1: // A
      return end - at === 4 ? formatIpv4(bytes, at) : null;
    case 28: // AAAA
      return end - at === 16 ? formatIpv6(bytes, at) : null;
    case 2: // NS
    case 5: // CNAME
    case 12: // PTR
    case 39: // DNAME
    case 6: // SOA: the primary server
      return readName(message, at);
    case 15: // MX: preference, exchange
    case 64: // SVCB: priority, target
    case 65: // HTTPS: priority, target
      return end - at > 2 ? `${readUint16(bytes, at)} ${readName(message, at + 2) ?? ""}` : null;
    case 33: // SRV: priority, weight, port, target (RFC 2782)
      return end - at > 6 ? describeService(message, at) : null;
    case 16: // TXT: the first string
      return end > at
        ? readText(bytes, at + 1, Math.min(end, at + 1 + bytes[at]), textDataMax)
        : null;
    default:
      return null;
  }
}

function describeService(message: Message, at: number): string {
  const { bytes } = message;
  const [priority, weight, port] = [0, 2, 4].map((offset) => readUint16(bytes, at + offset));
  return `${priority} ${weight} ${port} ${readName(message, at + 6) ?? ""}`;
}
