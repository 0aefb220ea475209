import { deepStrictEqual } from "node:assert/strict";
import {
  CONTACT_WORDS,
  Mark,
  OBSERVATION_WORDS_MAX,
  ObservationKind,
} from "../detect/observation.ts";
import {
  Application,
  APPLICATION_NAMES,
  FlowTurn,
  Linktype,
  Packet,
  Transport,
  TRANSPORT_NAMES,
  WINDOW_US,
} from "../records.ts";
import { HotPath } from "./hot_path.ts";
import * as layout from "./layout.ts";

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

Deno.test("the hot path's layout has the numbers of records.ts and observation.ts", () => {
  const { TRANSPORT_FLOWS_AT: _, TRANSPORT_COUNT: count } = layout;
  const { flowsAt: _1, count: _2, ...transports } = named("TRANSPORT_");
  deepStrictEqual(transports, same(transports, Transport));
  deepStrictEqual(count, TRANSPORT_NAMES.length);
  deepStrictEqual(layout.APPLICATION_DNS, Application.dns);
  deepStrictEqual(APPLICATION_NAMES.length <= layout.APPLICATION_PLACES, true);
  deepStrictEqual(layout.LINKTYPE_ETHERNET, Linktype.ethernet);
  deepStrictEqual(named("TURN_"), { ...FlowTurn });
  const kinds = named("O_KIND_");
  deepStrictEqual(kinds, same(kinds, ObservationKind));
  const marks = named("O_MARK_");
  deepStrictEqual({ ...marks, ...FlowTurn }, { ...Mark });
  deepStrictEqual(
    [layout.O_CONTACT_WORDS, layout.O_WORDS_MAX, layout.HOT_WINDOW_US],
    [CONTACT_WORDS, OBSERVATION_WORDS_MAX, WINDOW_US],
  );
});

Deno.test("a packet that is put into the hot path comes back the same", () => {
  const hot = new HotPath({ flowCountMax: 1, hostCountMax: 1 });
  const packet = new Packet() as Packet & Record<string, number>;
  Object.keys(packet).forEach((field, index) => packet[field] = 1000 + index);
  hot.setPacket(packet, 1, 2);
  const copy = new Packet();
  hot.getPacket(copy);
  deepStrictEqual(copy, packet);
});
