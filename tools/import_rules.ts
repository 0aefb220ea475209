/**
 * Who may import whom (CONVENTIONS.md section 1), checked over the import statements of the tree: parts know only what
 * is named here, decode, flow and detect stay pure, and nothing, not even a type, is imported in a circle.
 */
import { join, normalize, relative } from "node:path";

/** Modules under `part` may import from themselves, `values`, and types also from `types`. The first match counts. */
interface Rule {
  readonly part: RegExp;
  readonly values: readonly string[];
  readonly types?: readonly string[];
}

const records = "agent/records.ts";
/** Words for amounts and times, and for what to do. */
const text = "agent/text/";
const findingEnds = "agent/finding_ends.ts";
const findingReader = "agent/finding_reader.ts";
const incidentReader = "agent/incident_reader.ts";
const service = "agent/service.ts";
const common = [
  records,
  "agent/errors.ts",
  "agent/failed_writes.ts",
  "agent/messages.ts",
  "agent/nearest.ts",
  "agent/own_files.ts",
]
  .concat("agent/version.ts", text);
const search = "agent/search/";
/** Countries and networks of addresses. */
const places = "agent/geo/places.ts";
const storeForReading = [
  "queries",
  "device_queries",
  "fleet_queries",
  "filters",
  "finding_rows",
  "alert_rows",
  "schema",
  "reader",
  "history",
  "rollup_keys",
  "time_list",
  "csv",
  "cursor",
]
  .map((name) => `agent/store/${name}.ts`);
const forDashboard = [
  ...common,
  ...storeForReading,
  "agent/dashboard_context.ts",
  "agent/fleet/view.ts",
  "agent/coverage.ts",
  "agent/decode/addresses.ts",
  "agent/vendor/",
  places,
]
  .concat(
    "agent/alert/mutes.ts",
    "agent/live_state.ts",
    "agent/log.ts",
    search,
    findingReader,
    incidentReader,
  );

const rules: readonly Rule[] = [
  // Shells that join parts.
  { part: /^agent\/capture\/\w+_worker\.ts$/, values: ["agent/", "ffi/"] },
  { part: /^agent\/process\/\w+_worker\.ts$/, values: ["agent/", "ffi/linux/"] },
  { part: /^agent\/[\w/]*_worker\.ts$/, values: ["agent/"] },
  { part: /^main\.ts$/, values: ["agent/"] },
  { part: /^agent\/cli\//, values: ["agent/", "dashboard.ts", "ffi/linux/"] },
  // The path of a packet.
  {
    part: /^agent\/capture\/filter\//,
    values: ["agent/decode/addresses.ts", "agent/nearest.ts", records],
  },
  { part: /^ffi\/(capture|linux)\//, values: [] },
  { part: /^ffi\/pcap\//, values: ["ffi/capture/", "ffi/afpacket/packet_socket.ts"] },
  { part: /^ffi\/afpacket\//, values: ["ffi/capture/", "ffi/linux/"] },
  { part: /^agent\/capture\//, values: ["ffi/", ...common] },
  { part: /^agent\/(decode|hot)\//, values: [records] },
  { part: /^agent\/detect\//, values: [records, service, text, "agent/decode/addresses.ts"] },
  {
    part: /^agent\/incident\//,
    values: [findingEnds, records, service, text, "agent/decode/addresses.ts"],
  },
  { part: /^agent\/process\//, values: ["ffi/linux/", "agent/decode/addresses.ts", ...common] },
  { part: /^agent\/geo\//, values: ["agent/decode/addresses.ts"] },
  { part: /^agent\/text\//, values: [findingEnds, records] },
  { part: /^agent\/flow\//, values: ["agent/hot/", "agent/text/processes.ts", records] },
  {
    part: /^agent\/pipeline\//,
    values: [
      "agent/capture/linktypes.ts",
      "agent/capture/pcap_records.ts",
      "agent/decode/",
      "agent/flow/",
      "agent/hot/",
      "agent/detect/",
      "agent/process/asks.ts",
    ]
      .concat(common, search, places),
  },
  {
    part: /^agent\/search\//,
    values: [records, "agent/nearest.ts", "agent/decode/addresses.ts", places],
  },
  { part: /^agent\/store\//, values: ["agent/decode/addresses.ts", ...common, places, search] },
  {
    part: /^agent\/fleet\/hub\//,
    values: [
      "agent/fleet/",
      "agent/store/",
      "agent/incident/",
      "agent/decode/addresses.ts",
      findingEnds,
      findingReader,
      incidentReader,
      service,
      search,
      ...common,
    ],
    types: ["agent/dashboard_context.ts", "agent/option_values.ts"],
  },
  {
    part: /^agent\/fleet\//,
    values: ["agent/decode/addresses.ts", ...common].concat(
      ["database", "failure", "fleet_feed", "open", "schema", "transactor"].map((name) =>
        `agent/store/${name}.ts`
      ),
    ),
  },
  { part: /^agent\/vendor\//, values: [], types: ["agent/store/"] },
  {
    part: /^agent\/eve\//,
    values: ["agent/finding_ends.ts", ...common],
  },
  {
    part: /^agent\/alert\//,
    values: ["agent/decode/addresses.ts", ...common],
    types: ["agent/live_state.ts", "agent/config.ts", "agent/alert_options.ts"],
  },
  {
    part: /^agent\/[\w]+\.ts$/,
    values: [
      ...common,
      "agent/alert/quiet_hours.ts",
      "agent/alert_options.ts",
      "agent/fleet/servers.ts",
      "agent/idle_options.ts",
      "agent/live_state.ts",
      "agent/option_values.ts",
      "agent/options.ts",
      "agent/decode/addresses.ts",
    ],
    types: ["agent/"],
  },
  // The dashboard.
  {
    part: /^dashboard\.ts$/,
    values: ["routes/", "components/", "_fresh/", ...forDashboard],
  },
  {
    part: /^routes\//,
    values: [
      "islands/",
      "components/",
      "agent/finding_ends.ts",
      "agent/incident/attack.ts",
      "agent/decode/tree/",
      ...forDashboard,
    ],
    types: ["agent/alert/outbox.ts"],
  },
  {
    part: /^islands\//,
    values: ["components/", records, findingReader, incidentReader, search, text],
    types: ["agent/"],
  },
  {
    part: /^components\//,
    values: [
      records,
      service,
      findingReader,
      incidentReader,
      "agent/alert/mutes.ts",
      "agent/coverage.ts",
      findingEnds,
      search,
      text,
      "agent/incident/attack.ts",
      "agent/store/alert_rows.ts",
    ],
    types: ["agent/"],
  },
  { part: /^fresh\//, values: [] },
];

/** What pure parts may not touch: files, clock, randomness, log. */
const impure =
  /\b(Deno\.\w+|Date\.now|new Date\(\)|performance\.now|Math\.random|crypto\.getRandomValues|crypto\.randomUUID|console\.\w+)/g;
const purePart =
  /^agent\/((capture\/filter|decode|flow|hot|detect|incident|text|search|geo|fleet\/hub\/detect)\/(?!\w+_worker\.ts$)|alert\/(policy|mutes|health|outbox|quiet_hours|port_ranges)\.ts)/;

interface Import {
  /** Relative to the root. */
  readonly target: string;
  readonly isType: boolean;
}

if (import.meta.main) {
  const root = new URL("..", import.meta.url).pathname;
  const problems = checkModules(await readModules(root));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) Deno.exit(1);
}

/** Problems of a tree of modules, given by path relative to the root; none when all is well. */
export function checkModules(modules: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, source] of modules) {
    const imports = importsOf(path, source);
    graph.set(path, imports.map(({ target }) => target));
    for (const { target, isType } of imports) {
      if (isAllowed(path, target, isType)) continue;
      problems.push(
        `${path} may not import ${isType ? "types" : "values"} from ${target}`,
      );
    }
    if (!purePart.test(path)) continue;
    for (const [, what] of withoutComments(source).matchAll(impure)) {
      problems.push(`${path} must be pure, but uses ${what}`);
    }
  }
  return [...problems, ...cyclesOf(graph)];
}

/** The imports and re-exports of our own modules; dynamic ones count as values. */
export function importsOf(path: string, source: string): Import[] {
  const code = withoutComments(source);
  const statics = code.matchAll(
    /^(?:import|export)\s+(?:([^"';]*?)\sfrom\s+)?"(\.[^"]+)"/gm,
  );
  const dynamics = code.matchAll(/\bimport\("(\.[^"]+)"\)/g);
  const found: [string, string][] = [
    ...[...statics].map(([, names = "", to = ""]) => [names, to] as [string, string]),
    ...[...dynamics].map(([, to = ""]) => ["", to] as [string, string]),
  ];
  return found.map(([names, to]) => ({
    target: normalize(join(path, "..", to)),
    isType: /^type\s/.test(names) ||
      /^\{(\s*type\s+[\w\s]+,?)+\s*\}$/.test(names),
  }));
}

function isAllowed(path: string, target: string, isType: boolean): boolean {
  const rule = rules.find(({ part }) => part.test(path));
  if (rule === undefined) return true;
  const own = rule.part.exec(path)?.[0] ?? "";
  const prefixes = [...own.endsWith("/") ? [own] : [], ...rule.values];
  return [...prefixes, ...isType ? rule.types ?? [] : []].some((prefix) =>
    prefix.endsWith("/") ? target.startsWith(prefix) : target === prefix
  );
}

/** Each circle once, as `a -> b -> a`. */
function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      cycles.push(`circle: ${[...trail.slice(start), path].join(" -> ")}`);
    }
    if (done.has(path)) return;
    done.add(path);
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(
    /^\s*\/\/.*$/gm,
    "",
  );
}

/** Program modules; tests, their helpers and fixtures may join what they like. */
async function readModules(root: string): Promise<Map<string, string>> {
  const modules = new Map<string, string>();
  const visit = async (path: string) => {
    for await (const entry of Deno.readDir(join(root, path))) {
      const child = join(path, entry.name);
      if (entry.isDirectory) await visit(child);
      else if (isProgram(child)) {
        modules.set(child, await Deno.readTextFile(join(root, child)));
      }
    }
  };
  for (
    const folder of ["agent", "components", "ffi", "fresh", "islands", "routes"]
  ) {
    await visit(folder);
  }
  for (const file of ["dashboard.ts", "main.ts"]) {
    modules.set(
      relative(root, join(root, file)),
      await Deno.readTextFile(join(root, file)),
    );
  }
  return modules;
}

function isProgram(path: string): boolean {
  return /\.tsx?$/.test(path) &&
    !/(_test\.tsx?|\.d\.ts|\/testing\.ts|\/testing\/.*|\/testdata\/.*|\/assembly\/.*)$/.test(path);
}
