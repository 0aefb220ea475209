/** What the form of a mute holds, and what an incident or a finding fills in. Pure; the same on server and browser. */
import type { MuteScope } from "../agent/alert/mutes.ts";
import type { Mute, Severity } from "../agent/records.ts";
import { kindLabels } from "./finding_text.ts";
import { formatWhen } from "./format.ts";

/** As the inputs have them; "" takes any. */
export interface MuteFields {
  readonly kind: string;
  readonly source: string;
  readonly destination: string;
  readonly port: string;
  /** 1h, 1d, 1w or forever, or a time. */
  readonly until: string;
  readonly note: string;
}
export const muteFieldNames = ["kind", "source", "destination", "port", "until", "note"] as const;
export type MuteFieldName = typeof muteFieldNames[number];

export const noMuteFields: MuteFields = {
  kind: "",
  source: "",
  destination: "",
  port: "",
  until: "1w",
  note: "",
};

/** Fields as `text` finds them by name. */
export function readMuteFields(text: (name: MuteFieldName) => string): MuteFields {
  return {
    kind: text("kind"),
    source: text("source"),
    destination: text("destination"),
    port: text("port"),
    until: text("until"),
    note: text("note"),
  };
}

export const muteSpans = [
  { value: "1h", label: "1 hour" },
  { value: "1d", label: "1 day" },
  { value: "1w", label: "1 week" },
  { value: "forever", label: "For good" },
] as const;

/** Of what a mute may name as kind. */
export const muteKindLabels: Readonly<Record<string, string>> = {
  ...kindLabels,
  anomaly_rate: "Much unusual traffic",
  health: "Trouble of tapwatch itself",
};

/** Longest list of ports that is filled in: of more, the next time hits others. */
const portTextMax = 40;

/** A mute that holds all of the subject, as narrow as one can be that a person can read. */
export function muteFieldsOf(subject: MuteScope): MuteFields {
  const { kinds, sources, sourceCount, targets, targetCount, ports } = subject;
  const portText = ports.join(",");
  const hasPorts = ports.length > 0 && !ports.includes("") && portText.length <= portTextMax;
  return {
    ...noMuteFields,
    kind: kinds.length === 1 ? kinds[0]! : "",
    source: commonAddress(sources, sourceCount),
    destination: commonAddress(targets, targetCount),
    port: hasPorts ? portText : "",
  };
}

/** The one address, or the IPv4 network of 256 that all are in; "" for any. */
function commonAddress(addresses: readonly string[], count: number): string {
  const [first] = addresses;
  if (first === undefined || count > addresses.length) return "";
  if (addresses.length === 1) return first;
  const network = networkOf(first);
  return network !== "" && addresses.every((address) => networkOf(address) === network)
    ? `${network}.0/24`
    : "";
}

function networkOf(address: string): string {
  return /^(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/.exec(address)?.[1] ?? "";
}

/** Tells which scope and end were looked at in a preview; the note changes nothing. */
export function previewedKey(fields: MuteFields): string {
  const { kind, source, destination, port, until } = fields;
  return [kind, source, destination, port, until].map((text) => text.trim().toLowerCase())
    .join("|");
}

/** "Scan from 10.0.0.9 to any host, port 22". */
export function muteScopeText(
  { kind, source, destination, port }: Pick<MuteFields, "kind" | "source" | "destination" | "port">,
): string {
  const what = kind === "" ? "Anything" : muteKindLabels[kind] ?? kind;
  if (source === "" && destination === "" && port === "") return what;
  const ports = port === "" ? "any port" : /[,-]/.test(port) ? `ports ${port}` : `port ${port}`;
  return `${what} from ${source || "any host"} to ${destination || "any host"}, ${ports}`;
}

/** "until Sat 21:30", "for good". */
export function muteEndText({ untilUs }: Pick<Mute, "untilUs">, nowUs: number, zone: string) {
  return untilUs === null ? "for good" : `until ${formatWhen(untilUs, nowUs, zone)}`;
}

/** The words of the button that makes it. */
export function muteVerb(until: string): string {
  const span = muteSpans.find(({ value }) => value === until);
  if (!span) return "Mute";
  return until === "forever" ? "Mute for good" : `Mute for ${span.label}`;
}

/** What of the last seven days a mute would have held back; the names are those of `/api/mutes?preview=1`. */
export interface PreviewMessage {
  readonly count: number;
  /** Of high or critical severity. */
  readonly graveCount: number;
  /** Among how many of the last seven days. */
  readonly lookedAt: number;
  /** More were there than are looked at. */
  readonly isPartial: boolean;
  /** Whether alerts were counted that are about no incident. */
  readonly isOfAlerts: boolean;
  /** The newest of them. */
  readonly rows: readonly PreviewRow[];
}

interface PreviewRow {
  readonly path: string;
  readonly timeUs: number;
  readonly severity: Severity;
  readonly headline: string;
}

export function previewText(
  { count, graveCount, lookedAt, isPartial, isOfAlerts }: PreviewMessage,
): string {
  const what = isOfAlerts ? "alert" : "incident";
  if (lookedAt === 0) return `There was no ${what} in the last 7 days.`;
  const among = lookedAt === 1
    ? `the one ${what} of the last 7 days`
    : `${count} of the ${lookedAt}${isPartial ? " newest" : ""} ${what}s of the last 7 days`;
  if (count === 0) return `This would have held back nothing of the last 7 days.`;
  const grave = graveCount > 0 ? `, ${graveCount} of them high or critical` : "";
  return `This would have held back ${among}${lookedAt === 1 ? "" : grave}.`;
}
