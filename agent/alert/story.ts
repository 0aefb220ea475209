/** All that a message to people says of an alert, and the words that every form of it shares. Pure. */
import { formatCount } from "../text/amounts.ts";
import { processText } from "../text/processes.ts";
import { type Alert, ESTIMATE_MAX, type Incident, type Severity } from "../records.ts";

export interface AlertStory {
  readonly alert: Alert;
  /** As it stands; null for alerts about none. */
  readonly incident: Incident | null;
  /** What to do, a sentence each. */
  readonly advice: readonly string[];
  /** The page to go to. */
  readonly link: string;
  /** Name of the sensor. */
  readonly hostname: string;
  /** Tells incidents of one database from those of another. */
  readonly databaseId: string;
  /** The packets, as a capture file; null when there are none to attach, and why. */
  readonly evidence: Evidence | { readonly missing: string };
}
export interface Evidence {
  readonly pcap: Uint8Array<ArrayBuffer>;
  /** There were more than fit. */
  readonly isCut: boolean;
}

export const severityNames: Readonly<Record<Severity, string>> = {
  info: "Info",
  low: "Low",
  medium: "Medium",
  high: "High",
  critical: "Critical",
};

/** "[tapwatch edge] High: phone.local scanned …"; once it is over "[tapwatch edge] Over: …". */
export function subjectLine({ alert, hostname }: AlertStory): string {
  const what = alert.kind === "test" || alert.kind === "digest"
    ? ""
    : `${alert.trigger === "over" ? "Over" : severityNames[alert.severity]}: `;
  return visible(`[tapwatch ${hostname}] ${what}${alert.headline}`);
}

/** A line of a message: what it is called, and what it says. */
export interface Fact {
  readonly term: string;
  readonly text: string;
}

/** All but what to do and, which only mails have, the packets. */
export function factsOf({ alert, incident }: AlertStory): readonly Fact[] {
  const facts: Fact[] = [];
  if (incident !== null) {
    // Of an unusual window its host is told, whoever brought it about.
    const [one, other] = incident.kinds.every((kind) => kind === "anomaly")
      ? ["About", "Spoke with"]
      : ["Who", "To whom"];
    const { process } = incident;
    if (process !== undefined) facts.push({ term: "Process", text: processText(process) });
    facts.push({ term: one, text: whoText(incident) });
    facts.push({ term: other, text: listText(incident.targets, incident.targetCount) });
    facts.push({ term: "Since", text: timeText(incident.firstUs) });
    facts.push({ term: incident.isOpen ? "Newest" : "Until", text: timeText(incident.lastUs) });
    if (incident.origin !== null) facts.push({ term: "Before", text: incident.origin.text });
  }
  facts.push({ term: "Why you are told", text: alert.reason });
  return facts.map(({ term, text }) => ({ term, text: visible(text) }));
}

/** factsOf(), and what to do in one line. */
export function factsWithAdvice(story: AlertStory): readonly Fact[] {
  const { advice } = story;
  if (advice.length === 0) return factsOf(story);
  return [...factsOf(story), { term: adviceTerm, text: visible(advice.join(" ")) }];
}
export const adviceTerm = "What to do";

function whoText({ actor, actorName, sources, sourceCount }: Incident): string {
  if (actor === null) return listText(sources, sourceCount);
  return actorName === "" ? actor : `${actorName} (${actor})`;
}

const listedMax = 5;

function listText(addresses: readonly string[], count: number): string {
  const listed = addresses.slice(0, listedMax).join(", ");
  const more = count - Math.min(addresses.length, listedMax);
  if (more <= 0) return listed;
  return count > ESTIMATE_MAX
    ? `${listed} and others, more than ${formatCount(ESTIMATE_MAX)} in all`
    : `${listed} and ${formatCount(more)} more`;
}

export function evidenceText(evidence: AlertStory["evidence"]): string {
  if ("missing" in evidence) return evidence.missing;
  return evidence.isCut ? "attached, the first of them; the page has all" : "attached";
}

/** "2026-11-22 14:07:31 UTC" */
function timeText(us: number): string {
  return `${new Date(us / 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Control characters and marks that turn text around, which strangers may have sent, shown by their numbers. */
const invisible =
  // deno-lint-ignore no-control-regex -- these are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

export function visible(text: string): string {
  return text.replace(
    invisible,
    (mark) => `<U+${mark.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}>`,
  );
}
