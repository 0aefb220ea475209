/** What each list can be searched by: the words of the search language, and the columns that they look at. */
import {
  ALERT_KINDS,
  ALERT_STATES,
  APPLICATION_NAMES,
  FINDING_KINDS,
  SCAN_KINDS,
  SCAN_PROBES,
  SEVERITIES,
  TRANSPORT_NAMES,
} from "../records.ts";
import type { AgentColumn } from "./tree.ts";

export const SEARCH_LISTS = [
  "flows",
  "packets",
  "hosts",
  "scans",
  "anomalies",
  "incidents",
  "alerts",
] as const;
export type SearchList = typeof SEARCH_LISTS[number];
/** What can be searched: the lists, and the captured packets themselves, which have no table. */
export type SearchSubject = SearchList | "pcap";

/**
 * What a word takes, and how it is compared. Several columns: any of them may fit, but of `size`, `count` and `duration`, whose
 * columns are added up or taken from each other.
 */
export type Field =
  /** Addresses, networks, known names; `areLists`: columns hold JSON lists; `haveMacs`: MAC addresses stand in them too. */
  | {
    readonly kind: "host";
    readonly columns: readonly string[];
    readonly areLists?: boolean;
    readonly haveMacs?: boolean;
  }
  | { readonly kind: "network"; readonly columns: readonly string[] }
  /** Where addresses, or lists of them, belong. */
  | { readonly kind: "country"; readonly columns: readonly string[] }
  | { readonly kind: "asn"; readonly columns: readonly string[] }
  /** Which agent of a hub told it. */
  | { readonly kind: "agent"; readonly columns: readonly string[]; readonly of: AgentColumn }
  /** `isKnownOnly`: the list has no MAC addresses, but the hosts have. */
  | {
    readonly kind: "mac";
    readonly columns: readonly string[];
    readonly isKnownOnly?: boolean;
  }
  | { readonly kind: "number"; readonly columns: readonly string[]; readonly max: number }
  /** Columns with ports as text: "22,80,1000-1024". */
  | { readonly kind: "ports"; readonly columns: readonly string[] }
  | { readonly kind: "size" | "count"; readonly sum: readonly string[] }
  | { readonly kind: "duration"; readonly span: readonly [from: string, to: string] }
  | {
    readonly kind: "choice";
    readonly columns: readonly string[];
    readonly choices: readonly Choice[];
    /** The choices rise: > and < may be used. */
    readonly isOrdered?: boolean;
    /** The columns hold JSON lists. */
    readonly areLists?: boolean;
  }
  /** Yes or no: the responder accepted, or sent anything where nothing is accepted. */
  | { readonly kind: "answered"; readonly choices: readonly Choice[] }
  /** The whole text with `*` and `?`, in upper or lower case; `isPart`: anywhere in it. */
  | { readonly kind: "text"; readonly columns: readonly string[]; readonly isPart?: boolean };

export interface Choice {
  readonly word: string;
  /** What stands for it in the columns, if not the word; and in which column, if not in those of the field. */
  readonly cell?: string | number;
  readonly column?: string;
}

export interface SearchTable {
  readonly fields: Readonly<Record<string, Field>>;
  /** Where a bare word is looked for: parts of these, … */
  readonly texts: readonly string[];
  /** … the whole of these, … */
  readonly wholes: readonly string[];
  /** … and addresses and networks in the columns of this field. */
  readonly hostField: string;
}

const words = (names: readonly string[]): Choice[] =>
  names.filter((name) => name !== "").map((word) => ({ word }));
const yesOrNo: readonly Choice[] = [{ word: "yes", cell: 1 }, { word: "no", cell: 0 }];
/** Zeek's. */
export const CONN_STATES = [
  "S0",
  "S1",
  "SF",
  "REJ",
  "S2",
  "S3",
  "RSTO",
  "RSTR",
  "RSTOS0",
  "RSTRH",
  "SH",
  "SHR",
  "OTH",
] as const;

const severity: Field = {
  kind: "choice",
  columns: ["severity"],
  choices: words(SEVERITIES),
  isOrdered: true,
};
const openOrClosed: Field = {
  kind: "choice",
  columns: ["is_open"],
  choices: [{ word: "open", cell: 1 }, { word: "closed", cell: 0 }],
};
const proto = (column: string): Field => ({
  kind: "choice",
  columns: [column],
  choices: words(TRANSPORT_NAMES),
});
const service = (column: string): Field => ({
  kind: "choice",
  columns: [column],
  choices: words(APPLICATION_NAMES),
});
const port = (...columns: string[]): Field => ({ kind: "number", columns, max: 65_535 });
const vlan: Field = { kind: "number", columns: ["vlan_id"], max: 4095 };
const device: Field = { kind: "number", columns: ["interface_id"], max: 65_535 };
const id = (column: string): Field => ({
  kind: "number",
  columns: [column],
  max: Number.MAX_SAFE_INTEGER,
});
/** Where the addresses of columns belong. */
const places = (...columns: string[]) =>
  ({ country: { kind: "country", columns }, asn: { kind: "asn", columns } }) as const;
const text = (...columns: string[]): Field => ({ kind: "text", columns });
const part = (...columns: string[]): Field => ({ kind: "text", columns, isPart: true });
/** The process of this host, where rows have one. */
const processes = { process: text("process"), user: text("user"), unit: text("unit") } as const;

const flows: SearchTable = {
  texts: ["orig_h", "resp_h", "name"],
  wholes: ["proto", "service", "ja4", "community_id"],
  hostField: "host",
  fields: {
    host: { kind: "host", columns: ["orig_h", "resp_h"] },
    src: { kind: "host", columns: ["orig_h"] },
    dst: { kind: "host", columns: ["resp_h"] },
    net: { kind: "network", columns: ["orig_h", "resp_h"] },
    ...places("orig_h", "resp_h"),
    mac: { kind: "mac", columns: ["orig_h", "resp_h"], isKnownOnly: true },
    port: port("orig_p", "resp_p"),
    sport: port("orig_p"),
    dport: port("resp_p"),
    proto: proto("proto"),
    service: service("service"),
    name: text("name"),
    ja4: text("ja4"),
    community: text("community_id"),
    state: {
      kind: "choice",
      columns: ["conn_state"],
      choices: [
        { word: "open", cell: 1, column: "is_open" },
        { word: "ended", cell: 0, column: "is_open" },
        ...words(CONN_STATES),
      ],
    },
    answered: { kind: "answered", choices: yesOrNo },
    bytes: { kind: "size", sum: ["orig_wire_bytes", "resp_wire_bytes"] },
    sent: { kind: "size", sum: ["orig_wire_bytes"] },
    received: { kind: "size", sum: ["resp_wire_bytes"] },
    packets: { kind: "count", sum: ["orig_pkts", "resp_pkts"] },
    retransmissions: { kind: "count", sum: ["orig_retransmissions", "resp_retransmissions"] },
    duration: { kind: "duration", span: ["start_us", "end_us"] },
    end: {
      kind: "choice",
      columns: ["end_reason"],
      choices: words(["closed", "idle", "active", "evicted", "end", "summed"]),
    },
    vlan,
    interface: device,
    agent: { kind: "agent", columns: ["agent"], of: "number" },
    ...processes,
  },
};

/** Who a packet is from and to, in rows and in capture files. */
const packetEnds: SearchTable["fields"] = {
  host: { kind: "host", columns: ["src", "dst"], haveMacs: true },
  src: { kind: "host", columns: ["src"], haveMacs: true },
  dst: { kind: "host", columns: ["dst"], haveMacs: true },
  net: { kind: "network", columns: ["src", "dst"] },
  ...places("src", "dst"),
  mac: { kind: "mac", columns: ["src", "dst"] },
  port: port("src_port", "dst_port"),
  sport: port("src_port"),
  dport: port("dst_port"),
  proto: proto("protocol"),
};

const packets: SearchTable = {
  texts: ["src", "dst", "info"],
  wholes: ["protocol", "application"],
  hostField: "host",
  fields: {
    ...packetEnds,
    service: service("application"),
    name: part("info"),
    bytes: { kind: "size", sum: ["wire_length"] },
    flow: id("flow_id"),
    vlan,
    interface: device,
  },
};

const pcap: SearchTable = {
  texts: ["src", "dst"],
  wholes: ["protocol"],
  hostField: "host",
  fields: {
    ...packetEnds,
    bytes: { kind: "size", sum: ["wire_length"] },
    vlan,
  },
};

const hosts: SearchTable = {
  texts: ["address", "name", "mac"],
  wholes: [],
  hostField: "host",
  fields: {
    host: { kind: "host", columns: ["address"] },
    net: { kind: "network", columns: ["address"] },
    ...places("address"),
    mac: { kind: "mac", columns: ["mac"] },
    name: text("name"),
    local: { kind: "choice", columns: ["is_local"], choices: yesOrNo },
    bytes: { kind: "size", sum: ["in_bytes", "out_bytes"] },
    received: { kind: "size", sum: ["in_bytes"] },
    sent: { kind: "size", sum: ["out_bytes"] },
    packets: { kind: "count", sum: ["in_packets", "out_packets"] },
    agent: { kind: "agent", columns: ["address"], of: "address" },
  },
};

/** What scans and anomalies have in common. */
const findingFields = {
  host: { kind: "host", columns: ["sources", "targets"], areLists: true, haveMacs: true },
  src: { kind: "host", columns: ["sources"], areLists: true, haveMacs: true },
  dst: { kind: "host", columns: ["targets"], areLists: true, haveMacs: true },
  net: { kind: "network", columns: ["sources", "targets"] },
  ...places("sources", "targets"),
  severity,
  state: openOrClosed,
  attack: text("attack_id"),
  name: part("reason"),
  agent: { kind: "agent", columns: ["agent"], of: "number" },
  ...processes,
} as const satisfies Record<string, Field>;

const scans: SearchTable = {
  texts: ["sources", "targets", "reason"],
  wholes: ["kind", "probe", "attack_id"],
  hostField: "host",
  fields: {
    ...findingFields,
    kind: { kind: "choice", columns: ["kind"], choices: words(SCAN_KINDS) },
    probe: { kind: "choice", columns: ["probe"], choices: words(SCAN_PROBES) },
    port: { kind: "ports", columns: ["ports"] },
    tool: text("tool"),
    attempts: { kind: "count", sum: ["attempts"] },
    duration: { kind: "duration", span: ["first_us", "last_us"] },
  },
};

const anomalies: SearchTable = {
  texts: ["sources", "targets", "reason"],
  wholes: ["kind", "attack_id"],
  hostField: "host",
  fields: {
    ...findingFields,
    kind: {
      kind: "choice",
      columns: ["kind"],
      choices: words(FINDING_KINDS.filter((kind) => kind !== "scan")),
    },
    port: { kind: "ports", columns: ["ports"] },
    amount: { kind: "count", sum: ["amount"] },
    succeeded: { kind: "choice", columns: ["has_succeeded"], choices: yesOrNo },
    duration: { kind: "duration", span: ["first_us", "last_us"] },
  },
};

const incidents: SearchTable = {
  texts: ["actor", "actor_name", "sources", "targets", "headline"],
  wholes: [],
  hostField: "host",
  fields: {
    host: { kind: "host", columns: ["sources", "targets"], areLists: true, haveMacs: true },
    src: { kind: "host", columns: ["sources"], areLists: true, haveMacs: true },
    dst: { kind: "host", columns: ["targets"], areLists: true, haveMacs: true },
    net: { kind: "network", columns: ["sources", "targets"] },
    ...places("sources", "targets"),
    actor: { kind: "host", columns: ["actor"], haveMacs: true },
    name: part("actor_name", "headline"),
    port: { kind: "ports", columns: ["ports"] },
    severity,
    state: { kind: "choice", columns: ["state"], choices: words(["open", "closed"]) },
    kind: {
      kind: "choice",
      columns: ["kinds"],
      choices: words(FINDING_KINDS),
      areLists: true,
    },
    attack: part("techniques", "tactics"),
    succeeded: { kind: "choice", columns: ["has_succeeded"], choices: yesOrNo },
    duration: { kind: "duration", span: ["first_us", "last_us"] },
    agent: { kind: "agent", columns: ["agents"], of: "list" },
    ...processes,
  },
};

const alerts: SearchTable = {
  texts: ["source", "headline", "detail"],
  wholes: ["kind", "attack_id"],
  hostField: "host",
  fields: {
    host: { kind: "host", columns: ["source"], haveMacs: true },
    net: { kind: "network", columns: ["source"] },
    ...places("source"),
    name: part("headline", "detail"),
    severity,
    kind: { kind: "choice", columns: ["kind"], choices: words(ALERT_KINDS) },
    state: { kind: "choice", columns: ["state"], choices: words(ALERT_STATES) },
    incident: id("incident_id"),
    attack: text("attack_id"),
  },
};

export const SEARCH_TABLES: { readonly [list in SearchSubject]: SearchTable } = {
  flows,
  packets,
  pcap,
  hosts,
  scans,
  anomalies,
  incidents,
  alerts,
};

/** Columns that a row of a list has and its table has not, and their value in the table: what it holds has ended. */
export const CONSTANTS: Readonly<Partial<Record<SearchList, Readonly<Record<string, number>>>>> = {
  flows: { is_open: 0 },
};

/** Every word of any list, and what it is for; the README's table is made of it. */
export const FIELD_HELP: Readonly<Record<string, string>> = {
  host: "either side: an address, a network or a known name (`host nas-*`)",
  src: "the side that began it, or the source",
  dst: "the side that answers, or the target",
  net: "either side lies in a network",
  country: "either side is in a country: `country DE` (ISO 3166); needs `--geo-db`",
  asn: "either side is in an autonomous system: `asn 64500`; needs `--geo-db`",
  mac: "a MAC address; in flows, the addresses of the host that has it",
  port: "either port: `port 443`, `port 1-1024`, `port 80,443`, `port > 1023`",
  sport: "the port of the side that began it",
  dport: "the port of the side that answers",
  proto: "the transport: tcp, udp, icmp, arp …",
  service: "the application: tls, dns, ssh …",
  name:
    "the whole name, with `*` and `?`: SNI, queried name, HTTP host; elsewhere a part of the sentence",
  ja4: "a JA4 fingerprint",
  community: "a Community ID",
  state:
    "flows: open, ended, or Zeek's state; findings and incidents: open, closed; alerts: sent, held …",
  answered: "yes or no: the port accepted, or anything came back where nothing is accepted",
  bytes: "bytes on the wire, both ways: `bytes > 1MB`",
  sent: "bytes on the wire from the side that began it",
  received: "bytes on the wire to it",
  packets: "packets, both ways",
  retransmissions: "segments sent again, both ways",
  duration: "how long it lasted: `duration > 5min`",
  end: "why a flow's row ended: closed, idle, active, evicted, end, summed",
  vlan: "the VLAN's number",
  interface: "the number of the device, in the order of `-i`",
  flow: "the number of a packet's flow",
  process: "the process of this host: `process curl`",
  user: "the user whose process it is: `user=bob`",
  unit: "the container or unit of systemd it runs in: `unit docker-*`",
  local: "yes or no",
  severity: "`severity >= medium`",
  kind: "what was found",
  probe: "how a scan asked: syn, connect, udp …",
  tool: "nmap, masscan or zmap",
  attempts: "probes of a scan",
  amount: "how much evidence a finding has",
  attack: "a MITRE ATT&CK technique",
  succeeded: "yes or no: it got what it tried for",
  actor: "who did it",
  incident: "the number of the incident that an alert is about",
  agent: "on a hub: the agent that saw it, by name (`agent web-*`)",
};
