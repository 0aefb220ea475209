import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { canonicalIp } from "../decode/addresses.ts";
import { setGeoFiles } from "../geo/places.ts";
import { makeMmdb, shared } from "../geo/testing.ts";
import { MIGRATIONS } from "../store/migrations.ts";
import { chipsOf, narrow, quoteValue, term } from "./edit.ts";
import { FIELD_HELP, SEARCH_LISTS, SEARCH_TABLES, type SearchList } from "./fields.ts";
import { makeGlob, makeMatcher, type SearchRow } from "./match.ts";
import { parseBareWord, parseSearch } from "./parse.ts";
import { namesHosts, resolveAgents, resolveHosts } from "./resolve.ts";
import { pointAt, SearchError } from "./search_error.ts";
import { addSearchFunctions, searchSql } from "./sql.ts";

type Cell = string | number | null;
type Row = Record<string, Cell>;

const hostNames: Record<string, string> = {
  "10.0.0.1": "nas-01",
  "10.0.0.2": "cam-garage",
  "2001:db8::1": "nas-02",
};

function lookUp(by: "name" | "mac", text: string): string[] {
  if (by === "mac") return text === "02:00:5e:10:00:01" ? ["10.0.0.2"] : [];
  const fits = makeGlob(text);
  return Object.keys(hostNames).filter((address) => fits(hostNames[address]!));
}

const baseFlow: Row = {
  id: 1,
  start_us: 1_000_000,
  end_us: 3_000_000,
  orig_h: "10.0.0.1",
  orig_p: 40_000,
  resp_h: "198.51.100.7",
  resp_p: 443,
  ip_version: 4,
  proto: "tcp",
  service: "tls",
  name: "www.example.org",
  ja4: "t13d1516h2_8daaf6152771_02713d6af862",
  orig_pkts: 10,
  orig_bytes: 1000,
  orig_wire_bytes: 1600,
  resp_pkts: 12,
  resp_bytes: 9000,
  resp_wire_bytes: 2_000_000,
  conn_state: "SF",
  history: "ShADadFf",
  community_id: "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
  rtt_us: null,
  orig_retransmissions: 0,
  resp_retransmissions: 1,
  interface_id: 0,
  vlan_id: null,
  end_reason: "closed",
};

/** Verdicts of the SQL on one row and of the test of rows in memory, which must be the same. */
function fits(search: string, changes: Row = {}, list: SearchList = "flows"): boolean {
  const row = { ...baseFlow, ...changes };
  const tree = resolveHosts(parseSearch(search, list).tree, lookUp);
  const inMemory = makeMatcher(tree)({ ...row, is_open: 0 });
  const database = withRows(list, [row]);
  strictEqual(idsOf(database, search, list).length === 1, inMemory, search);
  database.close();
  return inMemory;
}

function withRows(list: SearchList, rows: readonly Row[]): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  addSearchFunctions(database);
  for (const step of MIGRATIONS) database.exec(step);
  for (const row of rows) {
    const columns = Object.keys(row);
    database.prepare(
      `INSERT INTO ${list}(${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    ).run(...Object.values(row));
  }
  return database;
}

function idsOf(database: DatabaseSync, search: string, list: SearchList): number[] {
  const tree = resolveHosts(parseSearch(search, list).tree, lookUp);
  const { sql, parameters } = searchSql(tree, list);
  return database.prepare(`SELECT id FROM ${list} WHERE ${sql} ORDER BY id`).all(...parameters)
    .map(({ id }) => Number(id));
}

for (
  const [search, isFit] of [
    ["", true],
    ["host 10.0.0.1", true],
    ["host 10.0.0.2", false],
    ["host=10.0.0.1", true],
    ["HOST:10.0.0.1", true],
    ["host 10.0.0.9,10.0.0.1", true],
    ["host 10.0.0.0/30", true],
    ["host nas-01", true],
    ["host NAS-*", true],
    ["host cam-garage", false],
    ["mac 02-00-5E-10-00-01", false],
    ["src 198.51.100.7", false],
    ["dst 198.51.100.7", true],
    ["net 198.51.100.0/24", true],
    ["net 198.51.0.0/15", true],
    ["net 198.52.0.0/16", false],
    ["net 0.0.0.0/0", true],
    ["net ::/0", false],
    ["port 443", true],
    ["port 1-442", false],
    ["port 80,443", true],
    ["port > 40000", false],
    ["port >= 40000", true],
    ["port<80", false],
    ["port != 443", false],
    ["sport 443", false],
    ["dport 443", true],
    ["proto tcp", true],
    ["proto TCP,udp", true],
    ["proto udp", false],
    ["service tls", true],
    ["name www.example.org", true],
    ["name *.EXAMPLE.org", true],
    ["name www.example.*", true],
    ["name example.org", false],
    ["name ???.example.org", true],
    ["state SF", true],
    ["state sf,rej", true],
    ["state open", false],
    ["state ended", true],
    ["bytes > 2MB", true],
    ["bytes > 2.1 MB", false],
    ["bytes = 2001600", true],
    ["bytes 2MB-3MB", true],
    ["bytes < 1MiB", false],
    ["sent 1.6kB", true],
    ["received >= 2MB", true],
    ["packets > 21", true],
    ["packets > 22", false],
    ["retransmissions > 0", true],
    ["duration = 2s", true],
    ["duration > 1999ms", true],
    ["duration > 2", false],
    ["end closed", true],
    ["answered yes", true],
    ["answered no", false],
    ["answered != no", true],
    ["vlan 7", false],
    ["not vlan 7", true],
    ["vlan != 7", true],
    ["ja4 t13d*", true],
    ["community 1:LQU9qZlK+B5F3KDmev6m5PMibrg=", true],
    ["1:lqu9qzlk+b5f3kdmev6m5pmibrg=", true],
    ["example", true],
    ["10.0.0.1", true],
    ["10.0.0", true],
    ["10.0.0.0/8", true],
    ["10.0.0.10", false],
    ["tls", true],
    ["udp", false],
    ['"www.example.org"', true],
    ["not port 443", false],
    ["port 443 and proto udp", false],
    ["port 443 && ! proto udp", true],
    ["port 80 or proto tcp", true],
    ["port 80 || proto udp", false],
    ["tls&&port 443||udp", true],
    ["port 80 and proto udp or proto tcp", true],
    ["port 80 and (proto udp or proto tcp)", false],
    ["not (port 80 or port 443)", false],
    ["host 10.0.0.1 not port 80 not proto udp", true],
    ["(((port 443)))", true],
  ] as const
) {
  Deno.test(`search ${JSON.stringify(search)} ${isFit ? "finds" : "does not find"} the flow`, () => {
    // "2.1 MB" is a number and a bare word without quotation marks.
    const text = search === "bytes > 2.1 MB" ? 'bytes > "2.1 MB"' : search;
    strictEqual(fits(text), isFit);
  });
}

Deno.test("a search finds flows on IPv6, in names with other letters, and in a VLAN", () => {
  const changes = { orig_h: "2001:db8::1", name: "Straße[1].example", vlan_id: 7 };
  for (
    const search of [
      "host 2001:DB8:0::1",
      "net 2001:db8::/32",
      "host nas-02",
      "vlan 7",
      "name stra?e*",
    ]
      .concat("name *[1]*", "2001:db8", "name *ß*", "not name *ẞ*")
  ) strictEqual(fits(search, changes), true, search);
  strictEqual(fits("net 2001:db9::/32", changes), false);
});

for (
  const [search, column, words] of [
    ["hots 10.0.0.9", 6, /did you mean host instead of "hots"/],
    ["hots=10.0.0.9", 1, /there is no "hots"; did you mean host\?/],
    ["hots:10.0.0.9", 1, /there is no "hots"; did you mean host\?/],
    ["bytess > 1MB", 1, /did you mean bytes\?/],
    [
      "port 443 proto tcp",
      10,
      /read "proto" where "and", "or" or the end is expected; write "and proto" where both/,
    ],
    ["port", 5, /read the end where port needs a value/],
    ["port and proto tcp", 6, /read "and" where port needs a value/],
    ["port 70000", 6, /port takes a whole number from 0 to 65535/],
    ["port 443,x", 10, /read "x"/],
    ["port 9-3", 6, /takes a whole number/],
    ["port > 1,2", 8, /> takes one number/],
    ["port 443.5", 6, /whole number/],
    ["proto tpc", 7, /proto is one of .*; did you mean tcp\?/],
    ["state xyz", 7, /state is one of open, ended, S0/],
    ["host 10.0.0.300", 6, /an address, a network as 10\.0\.0\.0\/8 or a known name/],
    ["host 10.0.0.0/33", 6, /a network/],
    ["host fe80::1::2", 6, /an address/],
    ["net nas-01", 5, /net takes a network/],
    ["mac nas", 5, /02:00:5e:10:00:01/],
    ["bytes > many", 9, /20kB/],
    ["duration > 5 weeks", 14, /"and", "or" or the end/],
    ["name > x", 8, /cannot be compared with >/],
    ["proto > tcp", 9, /cannot be compared/],
    ["(port 443", 1, /never closed/],
    ["port 443)", 9, /read "\)"/],
    ["()", 2, /read "\)" where a term is expected/],
    ["(", 2, /ends where a term is expected/],
    ["not", 4, /ends where a term is expected/],
    ["and port 443", 1, /read "and" where a term is expected/],
    ["port 443 or", 12, /ends where a term is expected/],
    ['"open', 1, /no closing quotation mark/],
    ['""', 1, /nothing to look for/],
    ["country DE", 9, /no file with countries is there\. Add --geo-db FILE/],
    ["port 443 and asn 64500", 18, /no file with networks \(AS numbers\) is there/],
    ["country Germany", 9, /two letters of a country \(ISO 3166\) as DE, read "Germany"/],
    ["country de,qq", 12, /two letters of a country .*"qq"/],
    ["country > DE", 11, /country cannot be compared with >/],
    ["asn ASx", 5, /number of an autonomous system as 64500 or AS64500, read "ASx"/],
    ["asn 0", 5, /number of an autonomous system/],
    ["asn 4294967296", 5, /number of an autonomous system/],
    ["severity high", 1, /flows have no severity/],
    ["name ".concat("*a".repeat(9)), 6, /8 stars/],
    ["host printer", 6, /no host is known by the name "printer"/],
    ["mac 02:00:5e:10:00:99", 5, /no host is known by the MAC address/],
    ["x".repeat(10_000), 2001, /10000 characters long; a search may have 2000/],
    ["(".repeat(60), 51, /50 deep/],
    ["not ".repeat(60) + "tcp", 201, /50 deep/],
    ["a or ".repeat(120) + "a", 501, /100 terms/],
  ] as const
) {
  Deno.test(`search ${JSON.stringify(search.slice(0, 40))} is refused with its place`, () => {
    throws(() => fits(search), (error) => {
      ok(error instanceof SearchError);
      strictEqual(error.column, column, error.message);
      match(error.message, words);
      strictEqual(pointAt(search, column).split("\n").length, 2);
      return true;
    });
  });
}

Deno.test("pointAt() puts the caret below the place, also of a long text", () => {
  strictEqual(pointAt("port 443,x", 10), "  port 443,x\n           ^");
  const [line, caret] = pointAt("a".repeat(99) + "b" + "c".repeat(99), 100).split("\n");
  strictEqual(line![caret!.indexOf("^")], "b");
  ok(!pointAt("a\nb", 1).slice(0, 5).includes("\n"));
});

Deno.test("every word of every list has its help, and every help a list", () => {
  const known = SEARCH_LISTS.flatMap((list) => Object.keys(SEARCH_TABLES[list].fields));
  deepStrictEqual([...new Set(known)].sort(), Object.keys(FIELD_HELP).sort());
});

Deno.test("every column of every list is one of its table", () => {
  for (const list of SEARCH_LISTS) {
    const database = withRows(list, []);
    for (const [name, field] of Object.entries(SEARCH_TABLES[list].fields)) {
      // A hub's tables have these columns.
      if (field.kind === "agent") continue;
      const value = "choices" in field ? field.choices.map(({ word }) => word)[0]! : {
        host: "10.0.0.1",
        network: "10.0.0.0/8",
        mac: "02:00:5e:10:00:01",
        country: "DE",
      }[field.kind as string] ?? "1";
      const tree = parseSearch(`${name}:"${value}"`, list).tree;
      const { sql, parameters } = searchSql(
        tree.op === "place" ? tree : resolveHosts(tree, lookUp),
        list,
      );
      database.prepare(`SELECT 1 FROM ${list} WHERE ${sql}`).all(...parameters);
    }
    const { sql, parameters } = searchSql(parseBareWord(list, "x"), list);
    database.prepare(`SELECT 1 FROM ${list} WHERE ${sql}`).all(...parameters);
    database.close();
  }
});

Deno.test("agents are found by name, in columns, in lists and by the hosts that they have seen", () => {
  const names: Record<number, string> = { 1: "web-1", 2: "web-2", 12: "db" };
  const find = (text: string) => {
    const fits = makeGlob(text);
    return Object.keys(names).map(Number).filter((id) => fits(names[id]!));
  };
  const database = new DatabaseSync(":memory:");
  database.exec(`CREATE TABLE flows(agent); INSERT INTO flows VALUES (0), (1), (2), (12);
    CREATE TABLE incidents(agents); INSERT INTO incidents VALUES ('[]'), ('[1,12]'), ('[2]');
    CREATE TABLE hosts(address); INSERT INTO hosts VALUES ('10.0.0.1'), ('10.0.0.2');
    CREATE TABLE agent_hosts(address, agent); INSERT INTO agent_hosts VALUES ('10.0.0.2', 2)`);
  const found = (list: SearchList, search: string) => {
    const { sql, parameters } = searchSql(
      resolveAgents(parseSearch(search, list).tree, find),
      list,
    );
    return database.prepare(`SELECT * FROM ${list} WHERE ${sql}`).all(...parameters)
      .map((row) => Object.values(row)[0]);
  };
  deepStrictEqual(found("flows", "agent WEB-*"), [1, 2]);
  deepStrictEqual(found("flows", "agent != web-1,db"), [0, 2]);
  deepStrictEqual(found("incidents", "agent web-1"), ["[1,12]"]);
  deepStrictEqual(found("incidents", "agent web-2"), ["[2]"]);
  deepStrictEqual(found("hosts", "agent web-2"), ["10.0.0.2"]);
  deepStrictEqual(found("hosts", "agent db"), []);
  database.close();
  const { tree } = parseSearch("port 1 and agent web-9", "flows");
  throws(() => resolveAgents(tree, find), /Column 18 of the search: no agent is called/);
  throws(() => resolveAgents(tree, () => null), /of a hub only/);
  throws(() => parseSearch("agent > web", "flows"), SearchError);
});

Deno.test("flows, lists and findings are found by country and network", () => {
  setGeoFiles([{
    path: "test.mmdb",
    bytes: shared(makeMmdb([
      ["198.51.100.0/24", { country: { iso_code: "GB" }, autonomous_system_number: 64_500 }],
      ["2001:db8::/32", { country: { iso_code: "FR" } }],
    ])),
  }]);
  try {
    for (const search of ["country GB", "country gb", "country UK", "country FR,GB"]) {
      ok(fits(search), search);
    }
    for (const search of ["asn 64500", "asn AS64500", "asn 1,64500", "asn != 64501"]) {
      ok(fits(search), search);
    }
    for (const search of ["country FR", "country != GB", "asn 64501", "not asn 64500"]) {
      ok(!fits(search), search);
    }
    ok(fits("country FR and country GB", { orig_h: "2001:db8::7" }));
    ok(!fits("country GB", { resp_h: "10.0.0.3" }));
    const finding = {
      severity: "high",
      source: "198.51.100.7",
      headline: "",
      detail: "",
    };
    strictEqual(makeMatcher(parseSearch("country GB", "alerts").tree)(finding), true);
    const incident = { sources: '["10.0.0.9"]', targets: '["10.0.0.2","2001:db8::5"]' };
    strictEqual(makeMatcher(parseSearch("country FR", "incidents").tree)(incident), true);
    strictEqual(makeMatcher(parseSearch("country GB", "incidents").tree)(incident), false);
  } finally {
    setGeoFiles([]);
  }
});

Deno.test("findings are found by who and what they list", () => {
  const row = {
    sources: '["10.0.0.9","02:00:5e:10:00:01"]',
    targets: '["10.0.0.2","2001:db8::5"]',
    severity: "medium",
    is_open: 1,
    attack_id: null,
    reason: "10.0.0.9 scanned 2 hosts",
    ports: "22,80,1000-1024",
    kind: "vertical",
    probe: "syn",
    tool: "",
    attempts: 100,
    first_us: 0,
    last_us: 5_000_000,
  };
  const test = (search: string) =>
    makeMatcher(resolveHosts(parseSearch(search, "scans").tree, lookUp))(row);
  for (
    const search of ["host 10.0.0.9", "src 10.0.0.9", "dst cam-garage", "net 2001:db8::/32"]
      .concat("host 02:00:5E:10:00:01", "severity >= medium", "severity > low", "severity < high")
      .concat("state open", "port 22", "port 1010", "port > 1023", "kind vertical", "tool != nmap")
      .concat(
        "attempts = 100",
        "duration >= 5s",
        "name scanned",
        "name 10.*hosts",
        "not attack T1046",
      )
  ) strictEqual(test(search), true, search);
  for (
    const search of ["host 10.0.0.90", "src 10.0.0.2", "severity high", "state closed", "port 23"]
      .concat("port 1025-2000", "net 10.1.0.0/16", "attack T1046")
  ) strictEqual(test(search), false, search);
});

// ---------------------------------------------------------------- property: SQL = rows in memory = slow model

const addresses = [
  "10.0.0.1",
  "10.0.0.2",
  "10.0.1.7",
  "10.1.200.9",
  "100.0.0.1",
  "198.51.100.7",
  "2001:db8::1",
  "fe80::2",
];
const names = ["", "www.example.org", "EXAMPLE.org", "a[b]*?", "Straße", "%_'\""];
const flowArbitrary = fc.record({
  orig_h: fc.constantFrom(...addresses),
  resp_h: fc.constantFrom(...addresses),
  orig_p: fc.constantFrom(0, 53, 443, 50_000),
  resp_p: fc.constantFrom(0, 53, 443, 50_000),
  proto: fc.constantFrom("tcp", "udp", "icmp"),
  service: fc.constantFrom("", "tls", "dns"),
  name: fc.constantFrom(...names),
  orig_wire_bytes: fc.constantFrom(0, 1000, 2_000_000),
  end_us: fc.constantFrom(1_000_000, 2_000_000, 9_000_000),
  conn_state: fc.constantFrom("SF", "S0", "REJ"),
  vlan_id: fc.constantFrom(null, 7),
});

/** A term with what it means, written anew and slowly. */
interface Model {
  readonly text: string;
  readonly fits: (row: Row) => boolean;
}
const either = (row: Row, test: (address: string) => boolean) =>
  test(String(row.orig_h)) || test(String(row.resp_h));
const model = (text: string, fits: (row: Row) => boolean): Model => ({ text, fits });
const lowered = (text: Cell) =>
  [...String(text)].map((letter) => letter >= "A" && letter <= "Z" ? letter.toLowerCase() : letter)
    .join("");
const likeness = (pattern: string, text: string): boolean => {
  if (pattern === "") return text === "";
  if (pattern[0] === "*") {
    return likeness(pattern.slice(1), text) || text !== "" && likeness(pattern, text.slice(1));
  }
  return text !== "" && (pattern[0] === "?" || pattern[0] === text[0]) &&
    likeness(pattern.slice(1), text.slice(1));
};
const patterns = ["*", "*.example.org", "example.*", "?ww*", "a[b]*", "*'*", "stra?e", "*[b]?*"];
const terms: fc.Arbitrary<Model> = fc.oneof(
  fc.constantFrom(...addresses).map((address) =>
    model(`host ${address}`, (row) => either(row, (own) => own === canonicalIp(address)))
  ),
  fc.integer({ min: 0, max: 32 }).map((bits) =>
    model(`net 10.0.0.0/${bits}`, (row) =>
      either(row, (own) => {
        if (own.includes(":")) return false;
        const number = own.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
        return Math.floor(number / 2 ** (32 - bits)) === Math.floor(167_772_160 / 2 ** (32 - bits));
      }))
  ),
  fc.constantFrom("<", "<=", "=", "!=", ">=", ">").chain((sign) =>
    fc.constantFrom(53, 443, 1000).map((limit) =>
      model(`port ${sign} ${limit}`, (row) => {
        const ports = [Number(row.orig_p), Number(row.resp_p)];
        if (sign === "<") return ports.some((port) => port < limit);
        if (sign === "<=") return ports.some((port) => port <= limit);
        if (sign === "=") return ports.includes(limit);
        if (sign === "!=") return !ports.includes(limit);
        return ports.some((port) => sign === ">" ? port > limit : port >= limit);
      })
    )
  ),
  fc.constantFrom("tcp", "udp", "icmp").map((name) =>
    model(`proto ${name}`, (row) => row.proto === name)
  ),
  fc.constantFrom(...patterns).map((pattern) =>
    model(`name "${pattern}"`, (row) => likeness(pattern, lowered(row.name!)))
  ),
  fc.constant(model("bytes > 1MB", (row) => Number(row.orig_wire_bytes) + 2_000_000 > 1_000_000)),
  fc.constant(model("sent < 1MB", (row) => Number(row.orig_wire_bytes) < 1_000_000)),
  fc.constant(model("duration > 1s", (row) => Number(row.end_us) - 1_000_000 > 1_000_000)),
  fc.constant(model("state rej", (row) => row.conn_state === "REJ")),
  fc.constant(model("state open", () => false)),
  fc.constant(model("vlan 7", (row) => row.vlan_id === 7)),
  fc.constantFrom("example", "10.0", "ß", "%", "'").map((word) =>
    model(
      `"${word}"`,
      (row) => [row.orig_h!, row.resp_h!, row.name!].some((cell) => lowered(cell).includes(word)),
    )
  ),
);
const searches = fc.letrec<{ any: Model }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    terms,
    fc.tuple(tie("any"), tie("any")).map(([a, b]) =>
      model(`(${a.text}) and (${b.text})`, (row) => a.fits(row) && b.fits(row))
    ),
    fc.tuple(tie("any"), tie("any")).map(([a, b]) =>
      model(`((${a.text}) or ${b.text})`, (row) => a.fits(row) || b.fits(row))
    ),
    tie("any").map((a) => model(`not (${a.text})`, (row) => !a.fits(row))),
  ),
})).any;

Deno.test("SQL, the test of rows in memory and a slow model give the same verdict", () =>
  fc.assert(
    fc.property(
      fc.array(flowArbitrary, { minLength: 1, maxLength: 12 }),
      searches,
      (changes, { text, fits: fitsModel }) => {
        const rows = changes.map((change, index): Row => ({
          ...baseFlow,
          ...change,
          id: index + 1,
        }));
        const tree = resolveHosts(parseSearch(text, "flows").tree, lookUp);
        const matches = makeMatcher(tree);
        const expected = rows.filter(fitsModel).map(({ id }) => id);
        deepStrictEqual(
          rows.filter((row) => matches({ ...row, is_open: 0 } as SearchRow)).map(({ id }) => id),
          expected,
          text,
        );
        const database = withRows("flows", rows);
        deepStrictEqual(idsOf(database, text, "flows"), expected, text);
        database.close();
      },
    ),
    { numRuns: 300 },
  ));

const scraps = ["host", "port", "and", "or", "not", "(", ")", ">", "=", '"', "\\", "10.0.0.1", "*"]
  .concat(
    ",",
    ":",
    "-",
    "1MB",
    " ",
    "state",
    "\u202e",
    "\0",
    "🦊",
    "'",
    "--",
    "__proto__",
    "constructor",
  );

Deno.test("whatever is typed is understood or refused with SearchError at a place of the text", () =>
  fc.assert(
    fc.property(
      fc.constantFrom(...SEARCH_LISTS),
      fc.oneof(
        fc.string({ unit: "binary", maxLength: 60 }),
        fc.array(fc.constantFrom(...scraps), { maxLength: 20 }).map((found) => found.join(" ")),
        fc.array(fc.constantFrom(...scraps), { maxLength: 20 }).map((found) => found.join("")),
      ),
      (list, text) => {
        try {
          const { tree, parts } = parseSearch(text, list);
          if (!namesHosts(tree)) searchSql(tree, list);
          for (const { at, end } of parts) ok(at >= 0 && end <= text.length && at < end);
          for (const { without } of chipsOf(text, list)) parseSearch(without, list);
          if (text.length < 1900) parseSearch(narrow(text, "net 10.0.0.0/8", list), list);
        } catch (error) {
          ok(error instanceof SearchError, String(error));
          ok(error.column >= 1 && error.column <= Math.max(text.length, 2000) + 1);
        }
      },
    ),
    { numRuns: 2000 },
  ));

Deno.test("quoteValue() gives any value back through the parser", () =>
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 80 }), (value) => {
      if (value.trim() === "" || value.split("*").length > 8) return;
      const tree = parseSearch(`ja4 ${quoteValue(value)}`, "flows").tree;
      ok(tree.op === "glob");
      strictEqual(
        tree.pattern,
        value.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).replaceAll(/\*{2,}/g, "*"),
      );
    }),
  ));

Deno.test("chips take parts away, and links add them", () => {
  const chips = chipsOf("host 10.0.0.9 and not (port 80 or port 443) and tls", "flows");
  deepStrictEqual(chips, [
    { text: "host 10.0.0.9", isNot: false, without: "not (port 80 or port 443) and tls" },
    { text: "not (port 80 or port 443)", isNot: true, without: "host 10.0.0.9 and tls" },
    { text: "tls", isNot: false, without: "host 10.0.0.9 and not (port 80 or port 443)" },
  ]);
  deepStrictEqual(chipsOf("port 80 or port 443", "flows").map(({ without }) => without), [""]);
  strictEqual(narrow("", "port 80", "flows"), "port 80");
  strictEqual(narrow("port 80", "port 80", "flows"), "port 80");
  strictEqual(narrow("a or b", "port 80", "flows"), "(a or b) and port 80");
  strictEqual(narrow("tls", term("name", "a*b c"), "flows"), 'tls and name "a?b c"');
});
