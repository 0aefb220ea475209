/** What the first messages of a flow name, as the detectors are told it. */
import { parseIpWords } from "../decode/addresses.ts";
import { type ApplicationDetails, type Flow, TRANSPORT_NAMES } from "../records.ts";
import type { NameRow } from "./observation_writer.ts";

/** Null where nothing is named; DNS messages have rows of their own. */
export function nameRow(
  { name = "", tls, dns }: ApplicationDetails,
  timestampUs: number,
  flow: () => Flow,
): NameRow | null {
  const ja4 = tls?.ja4 ?? "";
  if (dns !== undefined || name === "" && ja4 === "") return null;
  const { id, origH, origP, respH, respP, proto } = flow();
  const [source, destination] = [parseIpWords(origH), parseIpWords(respH)];
  if (source === null || destination === null) return null;
  return {
    timestampUs,
    addresses: Int32Array.from([...source, ...destination]),
    ports: origP << 16 | respP & 0xffff,
    flowId: id,
    transport: TRANSPORT_NAMES.indexOf(proto),
    name: name.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, ""),
    ja4,
  };
}
