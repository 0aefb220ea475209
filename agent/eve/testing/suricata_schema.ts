/**
 * The part of Suricata's published EVE schema that our lines use, names and types as there: etc/schema.json of OISF/suricata
 * at 0d3cfbbe3f73b0f64c7ca18ed8c0b3a502e7e75a, and `tls.ja4` and `tls.client_alpns` of the EVE index of its 8.0 documentation
 * (docs.suricata.io, appendix "EVE Index"). Each object there has `additionalProperties: false`, and so has each here;
 * `alert.metadata` alone takes any key, because Suricata writes there the `metadata` of a rule, whose keys are its author's
 * ("Metadata" in "Meta Keywords" of the documentation), each with an array of strings. `process` is not Suricata's.
 */
type Type = "string" | "integer" | Shape | readonly [Type] | RegExp | "rule metadata";
interface Shape {
  readonly [name: string]: Type;
}

const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d+[+-]\d+$/;

const line: Shape = {
  timestamp: time,
  event_type: "string",
  flow_id: "integer",
  src_ip: "string",
  src_port: "integer",
  dest_ip: "string",
  dest_port: "integer",
  proto: "string",
  app_proto: "string",
  community_id: "string",
  vlan: ["integer"],
  flow: {
    pkts_toserver: "integer",
    pkts_toclient: "integer",
    bytes_toserver: "integer",
    bytes_toclient: "integer",
    start: "string",
    end: "string",
    age: "integer",
    state: "string",
    reason: "string",
  },
  // Suricata's flowints may have any name.
  metadata: { flowints: { summed_flows: "integer" } },
  // Ours alone (docs/EVE.md).
  process: {
    pid: "integer",
    name: "string",
    executable: "string",
    command: "string",
    user: "string",
    unit: "string",
  },
  alert: {
    action: "string",
    gid: "integer",
    signature_id: "integer",
    rev: "integer",
    signature: "string",
    category: "string",
    severity: "integer",
    metadata: "rule metadata",
  },
  anomaly: { type: "string", event: "string" },
  dns: {
    version: "integer",
    type: "string",
    id: "integer",
    rrname: "string",
    rrtype: "string",
    rcode: "string",
    answers: [{ rrname: "string", rrtype: "string", rdata: "string" }],
  },
  tls: { sni: "string", version: "string", ja4: "string", client_alpns: ["string"] },
  http: {
    hostname: "string",
    url: "string",
    http_user_agent: "string",
    http_method: "string",
    status: "integer",
  },
  stats: {
    uptime: "integer",
    capture: { kernel_packets: "integer", kernel_drops: "integer", kernel_ifdrops: "integer" },
    decoder: { pkts: "integer", bytes: "integer", tcp: "integer", udp: "integer" },
    flow: { active: "integer", total: "integer" },
  },
};

const required = ["timestamp", "event_type"] as const;

/** The fields of a line. Throws Error with all that is wrong with it. */
// deno-lint-ignore no-explicit-any
export function parseEveLine(text: string): any {
  const fields = JSON.parse(text);
  const problems = [
    ...required.filter((name) => !(name in fields)).map((name) => `${name} is missing`),
    ...problemsOf(fields, line, "line"),
  ];
  if (problems.length > 0) throw new Error(`${problems.join("; ")}: ${text}`);
  return fields;
}

function problemsOf(value: unknown, type: Type, path: string): string[] {
  if (type === "integer") return Number.isSafeInteger(value) ? [] : [`${path} is no integer`];
  if (type === "rule metadata") return metadataProblems(value, path);
  if (type === "string") return typeof value === "string" ? [] : [`${path} is no string`];
  if (type instanceof RegExp) {
    return typeof value === "string" && type.test(value) ? [] : [`${path} is not as ${type}`];
  }
  if (Array.isArray(type)) {
    if (!Array.isArray(value)) return [`${path} is no array`];
    return value.flatMap((item, index) => problemsOf(item, type[0], `${path}[${index}]`));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [`${path} is no object`];
  }
  const shape = type as Shape;
  return Object.entries(value).flatMap(([name, field]) =>
    Object.hasOwn(shape, name)
      ? problemsOf(field, shape[name]!, `${path}.${name}`)
      : [`${path}.${name} is not in the schema`]
  );
}

function metadataProblems(value: unknown, path: string): string[] {
  return Object.entries(value as object).flatMap(([name, texts]) =>
    problemsOf(texts, ["string"], `${path}.${name}`)
  );
}
