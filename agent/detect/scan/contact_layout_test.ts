import { deepEqual, ok } from "node:assert/strict";
import { Transport } from "../../records.ts";
import { Mark, OBSERVATION_WORDS_MAX, ObservationKind } from "../observation.ts";
import * as layout from "./contact_layout.ts";
import { Outcome } from "./judged_probe.ts";
import { Family, TcpFlag, Trait } from "./probe_family.ts";

/** The numbers of the layout whose names begin with `prefix`, under the names that records have. */
function named(prefix: string): Record<string, number> {
  const entries = Object.entries(layout).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(
    entries.map(([name, value]) => [camel(name.slice(prefix.length)), value]),
  );
}

function camel(name: string): string {
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Those entries of `record` that `part` names. */
function same(part: Record<string, number>, record: Readonly<Record<string, number>>) {
  return Object.fromEntries(Object.keys(part).map((name) => [name, record[name]]));
}

Deno.test("the layout of ContactJudge has the numbers of the observations, records and probes", () => {
  for (
    const [prefix, record] of [
      ["KIND_", ObservationKind],
      ["MARK_", Mark],
      ["TRANSPORT_", Transport],
      ["TRAIT_", Trait],
      ["TCP_", TcpFlag],
      ["OUTCOME_", Outcome],
    ] as const
  ) {
    deepEqual(named(prefix), same(named(prefix), record));
  }
  const { mask: _, ...families } = named("FAMILY_");
  deepEqual(families, { ...Family });
});

Deno.test("no two things lie in the same place of ContactJudge's memory", () => {
  const parts = [
    [layout.ROW_AT, OBSERVATION_WORDS_MAX * 4],
    [layout.JUDGED_AT, layout.JUDGED_WORDS * 4],
    [layout.DAY_SET_AT, 48],
    [layout.WEEK_SET_AT, 48],
    [layout.RECENT_SET_AT, 48],
    [layout.PRESSURE_AT, layout.PRESSURE_CELLS * 4],
    [layout.DAY_AT, layout.DAY_PLACES * 8],
    [layout.WEEK_AT, layout.WEEK_PLACES * 8],
    [layout.RECENT_AT, layout.RECENT_PLACES * 8],
    [layout.PENDING_AT, layout.PENDING_MAX * layout.PROBE_WORDS * 4],
    [layout.LINKS_AT, (layout.PENDING_MAX + 1) * 8],
    [layout.INDEX_AT, layout.PENDING_MAX * 2 * 4],
    [layout.MEMORY_PAGES * 65_536, 0],
  ] as const;
  for (let index = 1; index < parts.length; index++) {
    const [at, length] = parts[index - 1];
    ok(at + length <= parts[index][0], `part ${index}`);
    ok(at % 8 === 0, `part ${index}`);
  }
});
