/** Flows in words: Zeek's states and histories, and why a row ended. */
import { isUnspecified, OVER_STATES } from "../agent/records.ts";

/** Zeek's conn_state of TCP, as a sentence about the connection. */
const tcpStates: Readonly<Record<string, string>> = {
  S0: "asked, and nothing answered",
  S1: "established, and not closed",
  SF: "established and closed in order",
  REJ: "refused",
  S2: "established; the originator closed its side, the responder did not",
  S3: "established; the responder closed its side, the originator did not",
  RSTO: "established, then cut off by the originator",
  RSTR: "established, then cut off by the responder",
  RSTOS0: "asked, then taken back by the originator before any answer",
  RSTRH: "answered and then cut off by the responder; the request was not seen",
  SH: "half open: the originator asked and closed, and nothing answered",
  SHR: "answered and closed by the responder; the request was not seen",
  OTH: "seen from the middle: no beginning was captured",
};
const otherStates: Readonly<Record<string, string>> = {
  S0: "sent, and nothing answered",
  SF: "both sides have sent",
  SHR: "only the responder was seen",
  OTH: "one side alone was seen",
};

/** "established and closed in order". */
export function stateText(state: string, proto: string): string {
  return (proto === "tcp" ? tcpStates : otherStates)[state] ?? "";
}

const endTexts: Readonly<Record<string, string>> = {
  closed: "the connection was closed",
  idle: "nothing more was sent",
  active: "it goes on: long flows have a row every five minutes",
  evicted: "the flow table was full, and it had been silent longest",
  end: "the capture ended",
  summed: "these are many flows to one target, which nothing answered",
  "": "it is open",
};

/** Why a row of a flow ended. */
export function endText(
  endReason: string,
  { conn_state, proto }: { readonly conn_state: string; readonly proto: string },
): string {
  const isOver = proto === "tcp" && OVER_STATES.has(conn_state);
  // Its row was still open for what might come late.
  if (isOver && endReason === "end") return endTexts.closed!;
  return endTexts[endReason] ?? endReason;
}

interface Originator {
  readonly orig_h: string;
  readonly summed_flows?: number | null;
}

/** The row is many flows of a flood, and not all of one source. */
export function isOfMany({ orig_h, summed_flows }: Originator): boolean {
  return Boolean(summed_flows) && isUnspecified(orig_h);
}

const tcpWords: Readonly<Record<string, string>> = {
  S0: "no answer",
  S1: "not closed",
  SF: "closed",
  REJ: "refused",
  S2: "half closed",
  S3: "half closed",
  RSTO: "reset",
  RSTR: "reset",
  RSTOS0: "taken back",
  RSTRH: "reset",
  SH: "half open",
  SHR: "answer only",
  OTH: "from the middle",
};
const otherWords: Readonly<Record<string, string>> = {
  S0: "no answer",
  SF: "answered",
  SHR: "answer only",
  OTH: "one side",
};

/** The state as a column has it: "closed"; Zeek's letters where there is no word. */
export function stateWord(state: string, proto: string): string {
  return (proto === "tcp" ? tcpWords : otherWords)[state] ?? state;
}

/** Services whose flows have the name that was asked for, which is not that of the host that answers. */
const askingServices: ReadonlySet<string> = new Set(["dns", "mdns", "llmnr", "nbns"]);
/** Services whose flows have the name of the host that asks. */
const callingServices: ReadonlySet<string> = new Set(["dhcp", "dhcpv6"]);

/** What a flow's name says: who is spoken with (TLS, QUIC, HTTP …), or what was asked for. "" where it is not that. */
export function namesOf(
  { name, service }: { readonly name: string; readonly service: string },
): { readonly peer: string; readonly asked: string } {
  if (callingServices.has(service)) return { peer: "", asked: "" };
  return askingServices.has(service) ? { peer: "", asked: name } : { peer: name, asked: "" };
}

/** The host that a name asks for: an HTTP host without its port. */
export function hostOfName(name: string): string {
  return name.replace(/^([^:]+|\[.*\]):\d+$/, "$1").replace(/^\[(.*)\]$/, "$1");
}

/** Letters of Zeek's history; those of the originator are upper case. */
const letters: Readonly<Record<string, string>> = {
  s: "asked for a connection (SYN)",
  h: "accepted it (SYN and ACK)",
  a: "acknowledged",
  d: "sent data",
  f: "closed its side (FIN)",
  r: "cut it off (RST)",
  c: "sent a packet with a bad checksum",
  g: "left a gap: not all it sent was captured",
  t: "sent something again",
  w: "had no room for more (zero window)",
  i: "sent flags that contradict each other",
  q: "sent flags of several kinds at once",
};

/** Each step of a history in words, in order. */
export function historySteps(history: string): string[] {
  return Array.from(history, (letter) => {
    if (letter === "^") {
      return "who asked whom was turned round: the first packet seen was an answer";
    }
    const text = letters[letter.toLowerCase()];
    const who = letter === letter.toUpperCase() ? "the originator" : "the responder";
    return text === undefined ? `“${letter}”` : `${who} ${text}`;
  });
}
