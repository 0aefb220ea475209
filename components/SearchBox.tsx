/** The search of a list, as a line of text and as chips that take its parts away; without scripts. */
import type { SearchList } from "../agent/search/fields.ts";
import { Icon } from "./Icon.tsx";

/** A search as its page shows it. */
export interface ShownSearch {
  readonly list: SearchList;
  readonly text: string;
  readonly chips: readonly ShownChip[];
  /** Parameters of the address that another search takes the place of. */
  readonly replaced: readonly string[];
}
export interface ShownChip {
  readonly text: string;
  readonly isNot: boolean;
  /** The page without it. */
  readonly href: string;
}

const examples: { readonly [list in SearchList]: string } = {
  flows: "host 192.168.1.20 and port 443 and bytes > 1MB",
  packets: "host 192.168.1.20 and proto udp",
  hosts: "net 192.168.0.0/16 and bytes > 1GB",
  scans: "src 192.168.1.20 and severity >= medium",
  anomalies: "host 192.168.1.20 and severity >= medium",
  incidents: "actor 192.168.1.20 and state open",
  alerts: "severity >= high and state sent",
};

export function SearchBox({ list, text }: ShownSearch) {
  return (
    <label class="qbox">
      <Icon name="search" />
      <span class="vh">Search {list}</span>
      <input
        name="q"
        value={text}
        placeholder={examples[list]}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
      />
    </label>
  );
}

export function SearchChips({ chips }: ShownSearch) {
  return (
    <>
      {chips.map(({ text, isNot, href }) => (
        <a key={text} class={`chip on ${isNot ? "not" : ""}`} href={href} aria-current="false">
          <span class="mono">{text}</span>
          <span class="x" aria-hidden="true">×</span>
          <span class="vh">: take away</span>
        </a>
      ))}
    </>
  );
}
