/** The sentences below an incident's headline: what was tried, what answered, what was used afterwards, what it did to others. */
import { counted, formatCount } from "../text/amounts.ts";
import { processText } from "../text/processes.ts";
import type { Finding } from "../records.ts";
import { countFound, foundBy, nameAndAddress, processOfCauses, type Told } from "./headline.ts";
import type { Member } from "./kinship.ts";

/** Sentences, and hosts or services named in one, at most. */
const reasonsMax = 6;
const namedMax = 8;

export function detailOf(told: Told & { readonly members: readonly Member[] }): string {
  const { causes, members } = told;
  const reasons = causes.slice(0, reasonsMax).map(({ reason }) => `${reason}.`);
  const left = causes.length - reasons.length;
  return [
    ...processSentence(causes),
    ...reasons,
    ...left > 0 ? [`And ${counted(left, "more finding")}.`] : [],
    ...foundSentence(told),
    ...usedSentence(told),
    ...effectSentence(members),
  ].join(" ");
}

function processSentence(causes: readonly Finding[]): string[] {
  const process = processOfCauses(causes);
  return process === undefined ? [] : [`On this host it was ${processText(process)}.`];
}

function foundSentence({ causes, nameOf }: Told): string[] {
  const found = [...foundBy(causes)];
  if (found.length === 0) return [];
  const hosts = found.slice(0, namedMax).map(([host, ports]) =>
    `${nameAndAddress(host, nameOf)}: ${ports.slice(0, namedMax).join(", ")}${
      ports.length > namedMax ? ", …" : ""
    }`
  );
  const more = found.length > namedMax
    ? `; and ${formatCount(found.length - namedMax)} more hosts`
    : "";
  const listed = found.reduce((sum, [, ports]) => sum + ports.length, 0);
  const all = countFound(causes);
  const rest = all > listed ? `; ${formatCount(all)} in all, of which not all are kept` : "";
  return [`Open: ${hosts.join("; ")}${more}${rest}.`];
}

function usedSentence({ causes }: Told): string[] {
  const used = [...new Set(causes.flatMap(({ scan }) => scan?.cameBack ?? []))];
  if (used.length === 0) return [];
  const more = used.length > namedMax ? ` and ${formatCount(used.length - namedMax)} more` : "";
  return [`Used afterwards: ${used.slice(0, namedMax).join(", ")}${more}.`];
}

function effectSentence(members: readonly Member[]): string[] {
  const effects = members.filter(({ role }) => role === "effect");
  const hosts = new Set(effects.map(({ finding }) => finding.anomaly?.entity));
  if (hosts.size === 0) return [];
  return [
    hosts.size === 1
      ? `${[...hosts][0]} had unusual traffic meanwhile.`
      : `${formatCount(hosts.size)} of its targets had unusual traffic meanwhile.`,
  ];
}
