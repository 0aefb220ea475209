/** Values of the search language: what each kind of field takes, and the test that it makes. */
import { canonicalIp, formatMac, parseMac, parseNetwork } from "../decode/addresses.ts";
import { nearest } from "../nearest.ts";
import type { Field } from "./fields.ts";
import { quoted, SearchError } from "./search_error.ts";
import { anyOf, lower, type Range, type SearchTree, type Test } from "./tree.ts";
import type { Operator, Word } from "./words.ts";

interface NamedField {
  readonly name: string;
  readonly field: Field;
}
type Of<Kind extends Field["kind"]> = Extract<Field, { kind: Kind }>;

const least = Number.MIN_SAFE_INTEGER;
const most = Number.MAX_SAFE_INTEGER;
const starsMax = 8;

const sizeUnits: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  t: 1e12,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};
/** In microseconds; without a unit, seconds. */
const durationUnits: Readonly<Record<string, number>> = {
  "": 1e6,
  us: 1,
  ms: 1e3,
  s: 1e6,
  sec: 1e6,
  m: 60e6,
  min: 60e6,
  h: 3600e6,
  d: 86_400e6,
};

/** The tree of one term. Throws SearchError at the value's place. */
export function readTerm(named: NamedField, operator: Operator, value: Word): SearchTree {
  const tree = readPositive(named, operator === "!=" ? "=" : operator, value);
  return operator === "!=" ? { op: "not", part: tree } : tree;
}

function readPositive(named: NamedField, operator: Operator, value: Word): SearchTree {
  const { name, field } = named;
  const isCompared = operator !== "=";
  switch (field.kind) {
    case "number":
      return readNumbers({ op: "number", columns: field.columns }, field, named, operator, value);
    case "size":
    case "count":
      return readNumbers({ op: "sum", columns: field.sum }, field, named, operator, value);
    case "duration":
      return readNumbers({ op: "span", columns: field.span }, field, named, operator, value);
    case "ports": {
      const test = readNumbers(
        { op: "number", columns: field.columns },
        { kind: "number", columns: field.columns, max: 65_535 },
        named,
        operator,
        value,
      ) as Extract<Test, { op: "number" }>;
      return { op: "ports", columns: field.columns, ranges: test.ranges };
    }
    case "choice":
      if (isCompared && !field.isOrdered) throw refuseComparison(name, operator, value);
      return readChoice(field, name, operator, value);
  }
  if (isCompared) throw refuseComparison(name, operator, value);
  if (field.kind === "answered") return readAnswered(field, value, name);
  if (field.kind === "host") return readHost(field, value, name);
  if (field.kind === "network") return readNetwork(field, value, name);
  if (field.kind === "country" || field.kind === "asn") {
    return readPlace(field.columns, field.kind, value);
  }
  if (field.kind === "mac") return readMac(field, value, name);
  if (field.kind === "agent") return readAgent(field, value);
  return readText(field, value);
}

/** An address, a network, a MAC address or a known name, or several with commas. */
export function readHost(field: Of<"host">, value: Word, name: string): SearchTree {
  const { columns, areLists = false, haveMacs = false } = field;
  const known = { op: "known", columns, areLists } as const;
  return eachOf(value, (text, at) => {
    const address = canonicalIp(text);
    const bytes = parseMac(text);
    const mac = bytes && formatMac(bytes, 0);
    if (address !== null || mac !== null && haveMacs) {
      return { op: areLists ? "lists" : "in", columns, values: [address ?? mac!] };
    }
    if (mac !== null) return { ...known, by: "mac", text: mac, at };
    // What begins as an address is none of a name.
    if (!/^[\d.]+$|[/:]/.test(text)) {
      return { ...known, by: "name", text: checkPattern(lower(text), at), at };
    }
    return networkTest(
      columns,
      { text, at },
      `${name} takes an address, a network as 10.0.0.0/8 or a known name`,
    );
  });
}

function readNetwork({ columns }: Of<"network">, value: Word, name: string): SearchTree {
  return eachOf(
    value,
    (text, at) => networkTest(columns, { text, at }, `${name} takes a network as 10.0.0.0/8`),
  );
}

function networkTest(
  columns: readonly string[],
  { text, at }: { readonly text: string; readonly at: number },
  allowed: string,
): Test {
  if (parseNetwork(text) !== null) return { op: "network", columns, network: text };
  throw new SearchError(at + 1, `${allowed}, read ${quoted(text)}`);
}

function readPlace(columns: readonly string[], by: "country" | "asn", value: Word): SearchTree {
  const values = splitValue(value).map(({ text, at }) => {
    const read = by === "country" ? countryCode(text) : asNumber(text);
    if (read !== null) return read;
    const allowed = by === "country"
      ? "the two letters of a country (ISO 3166) as DE"
      : "the number of an autonomous system as 64500 or AS64500";
    throw new SearchError(at + 1, `${by} takes ${allowed}, read ${quoted(text)}`);
  });
  return { op: "place", columns, by, values, at: value.at };
}

const regions = new Intl.DisplayNames("en", { type: "region", fallback: "none" });

/** As it is in use: of old codes and usual mistakes (UK) the present one. Null for what is no country. */
function countryCode(text: string): string | null {
  if (!/^[a-z]{2}$/i.test(text)) return null;
  const code = new Intl.Locale(`und-${text}`).region ?? "";
  return regions.of(code) === undefined ? null : code;
}

function asNumber(text: string): number | null {
  const [, digits] = /^(?:AS)?(\d{1,10})$/i.exec(text) ?? [];
  const number = Number(digits);
  return digits !== undefined && number > 0 && number < 2 ** 32 ? number : null;
}

function readMac({ columns, isKnownOnly }: Of<"mac">, value: Word, name: string): SearchTree {
  return eachOf(value, (text, at) => {
    const mac = parseMac(text);
    if (mac === null) {
      throw new SearchError(
        at + 1,
        `${name} takes an address as 02:00:5e:10:00:01, read ${quoted(text)}`,
      );
    }
    const canonical = formatMac(mac, 0);
    if (!isKnownOnly) return { op: "in", columns, values: [canonical] };
    return { op: "known", columns, areLists: false, by: "mac", text: canonical, at };
  });
}

function readAgent({ columns, of }: Of<"agent">, value: Word): SearchTree {
  return eachOf(
    value,
    (text, at) => ({ op: "agent", columns, of, text: checkPattern(lower(text), at), at }),
  );
}

/** `*` and `?` stand for others; of a part, for anything around it too. */
function readText({ columns, isPart }: Of<"text">, value: Word): SearchTree {
  const pattern = checkPattern(lower(value.text), value.at);
  if (!isPart) return { op: "glob", columns, pattern };
  if (!/[*?]/.test(pattern)) return { op: "contains", columns, text: pattern };
  return { op: "glob", columns, pattern: `*${pattern}*`.replaceAll(/\*{2,}/g, "*") };
}

/** More stars than anyone needs would cost time. */
function checkPattern(pattern: string, at: number): string {
  const simple = pattern.replaceAll(/\*{2,}/g, "*");
  if (simple.trim() === "") throw new SearchError(at + 1, "there is nothing to look for");
  if (simple.split("*").length - 1 > starsMax) {
    throw new SearchError(at + 1, `a text may have ${starsMax} stars`);
  }
  return simple;
}

function readAnswered({ choices }: Of<"answered">, value: Word, name: string): SearchTree {
  const choice = readChoice({ kind: "choice", columns: [""], choices }, name, "=", value);
  const test = { op: "answered", columns: ["proto", "history", "resp_pkts"] } as const;
  return choice.op === "in" && choice.values[0] === 0 ? { op: "not", part: test } : test;
}

function readChoice(
  field: Of<"choice">,
  name: string,
  operator: Operator,
  value: Word,
): SearchTree {
  return eachOf(value, (text, at) => {
    const { choices } = field;
    const index = choices.findIndex(({ word }) => word.toLowerCase() === text.toLowerCase());
    if (index < 0) {
      const hint = nearest(text, choices.map(({ word }) => word));
      throw new SearchError(
        at + 1,
        `${name} is one of ${choices.map(({ word }) => word).join(", ")}, read ${quoted(text)}${
          hint ? `; did you mean ${hint}?` : ""
        }`,
      );
    }
    const taken = choices.filter((_, place) =>
      operator === ">"
        ? place > index
        : operator === ">="
        ? place >= index
        : operator === "<"
        ? place < index
        : operator === "<="
        ? place <= index
        : place === index
    );
    const values = taken.map(({ word, cell }) => cell ?? word);
    if (field.areLists) return { op: "lists", columns: field.columns, values: values.map(String) };
    const own = choices[index]!.column;
    return { op: "in", columns: own === undefined ? field.columns : [own], values };
  });
}

function readNumbers<Op extends "number" | "sum" | "span">(
  target: { readonly op: Op; readonly columns: readonly string[] },
  field: Of<"number" | "size" | "count" | "duration">,
  { name }: NamedField,
  operator: Operator,
  value: Word,
): SearchTree {
  const ranges: Range[] = [];
  for (const { text, at } of splitValue(value)) {
    const range = readRange(text, field);
    if (range === null) {
      throw new SearchError(at + 1, `${name} takes ${allowedOf(field)}, read ${quoted(text)}`);
    }
    ranges.push(compare(range, operator));
  }
  if (operator !== "=" && ranges.length > 1) {
    throw new SearchError(value.at + 1, `${operator} takes one number, read ${quoted(value.text)}`);
  }
  return { ...target, ranges } as SearchTree;
}

/** What is compared are whole numbers, so that > 1 is >= 2. */
function compare([min, max]: Range, operator: Operator): Range {
  switch (operator) {
    case ">":
      return [max + 1, most];
    case ">=":
      return [min, most];
    case "<":
      return [least, min - 1];
    case "<=":
      return [least, max];
    default:
      return [min, max];
  }
}

function readRange(
  text: string,
  field: Of<"number" | "size" | "count" | "duration">,
): Range | null {
  const [, from, to] = /^([^-]+)(?:-([^-]+))?$/.exec(text) ?? [];
  if (from === undefined) return null;
  const min = readAmount(from, field);
  const max = to === undefined ? min : readAmount(to, field);
  return min === null || max === null || min > max ? null : [min, max];
}

function readAmount(
  text: string,
  field: Of<"number" | "size" | "count" | "duration">,
): number | null {
  const [, digits, unit] = /^(\d{1,15}(?:\.\d{1,6})?)\s?([a-z]*)$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return null;
  const units = field.kind === "size"
    ? sizeUnits
    : field.kind === "duration"
    ? durationUnits
    : { "": 1, ...(field.kind === "count" && { k: 1e3, m: 1e6 }) };
  const key = unit!.toLowerCase();
  if (!Object.hasOwn(units, key)) return null;
  const exact = Number(digits) * (units as Record<string, number>)[key]!;
  const amount = Math.round(exact);
  const limit = field.kind === "number" ? field.max : most;
  // 1.1 MB is not exact in doubles, but a whole number all the same.
  return amount > limit || Math.abs(exact - amount) > 1e-6 * Math.max(1, amount / 1e6)
    ? null
    : amount;
}

function allowedOf(field: Of<"number" | "size" | "count" | "duration">): string {
  if (field.kind === "size") return "a number of bytes as 1500, 20kB, 1.5MB or 1MB-2MB";
  if (field.kind === "duration") return "a time as 20ms, 90s, 5min or 2h";
  if (field.kind !== "number") return "a number as 100 or 10-20";
  return `a whole number from 0 to ${field.max}, a range as 1-1024, or several with commas`;
}

function refuseComparison(name: string, operator: string, value: Word): SearchError {
  return new SearchError(
    value.at + 1,
    `${name} cannot be compared with ${operator}; it takes = and !=`,
  );
}

function eachOf(value: Word, read: (text: string, at: number) => SearchTree): SearchTree {
  return anyOf(splitValue(value).map(({ text, at }) => read(text, at)));
}

/** "80,443" and the like; what is quoted is one value. */
function splitValue(value: Word): { text: string; at: number }[] {
  if (value.kind === "quotation") return [{ text: value.text, at: value.at }];
  const parts: { text: string; at: number }[] = [];
  let { at } = value;
  for (const text of value.text.split(",")) {
    parts.push({ text, at });
    at += text.length + 1;
  }
  return parts;
}
