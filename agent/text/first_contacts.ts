import type { FirstContactKind } from "../records.ts";

/** The sentence of a first contact: `whom` is the peer, `what` the service or the country. */
export function firstContactText(
  kind: FirstContactKind,
  { who, mac, whom, what }: Readonly<Record<"who" | "mac" | "whom" | "what", string>>,
): string {
  switch (kind) {
    case "device":
      return `${who} was seen for the first time${mac === "" ? "" : `, card ${mac}`}`;
    case "service":
      return `${who} answered as a server for the first time: ${what}`;
    case "country":
      return `${who} talked to somebody in ${what} for the first time: ${whom}`;
    case "peer":
      return `${who} talked to ${whom} for the first time`;
  }
}
