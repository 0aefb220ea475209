/**
 * Where an address belongs, beside it; nothing where nothing is known. Only on the server: what islands draw again in the browser
 * has no lookup there.
 */
import { countryName } from "../agent/text/countries.ts";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Place } from "../agent/geo/mmdb.ts";
import { term } from "../agent/search/edit.ts";

export const PlaceLookup = createContext<(address: string) => Place | null>(() => null);

interface Props {
  readonly address: string;
  /** The list with one more term. */
  readonly narrow?: (term: string) => string;
}

const searchFlows = (text: string) => `/flows?${new URLSearchParams({ q: text })}`;

/** The country's code, else the number of the network, with all of it in the title; for tables. */
export function PlaceMark({ address, narrow = searchFlows }: Props) {
  const place = useContext(PlaceLookup)(address);
  if (place === null) return null;
  const { country, asn } = place;
  return (
    <a
      class="plain place"
      href={narrow(country !== "" ? term("country", country) : term("asn", asn))}
      title={placeText(place)}
      aria-current="false"
    >
      {country || `AS${asn}`}
    </a>
  );
}

/** All of it; for pages of one thing. */
export function PlaceLine({ address, narrow = searchFlows }: Props) {
  const place = useContext(PlaceLookup)(address);
  if (place === null) return null;
  const { country, asn } = place;
  return (
    <div class="faint">
      {country !== "" && (
        <a href={narrow(term("country", country))} aria-current="false">{countryName(country)}</a>
      )}
      {country !== "" && asn > 0 && ", "}
      {asn > 0 && <a href={narrow(term("asn", asn))} aria-current="false">{networkText(place)}</a>}
    </div>
  );
}

/** "Germany, AS64500 Example Networks". */
export function placeText(place: Place): string {
  return [countryName(place.country), networkText(place)].filter((text) => text !== "").join(", ");
}

function networkText({ asn, organization }: Place): string {
  return asn === 0 ? "" : `AS${asn} ${organization}`.trim();
}
