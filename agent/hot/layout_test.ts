import { deepStrictEqual } from "node:assert/strict";
import {
  ARP_WORDS,
  CONTACT_WORDS,
  HOST_WINDOW_WORDS,
  Mark,
  OBSERVATION_WORDS_MAX,
  ObservationKind,
  SHORT_WORDS,
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
import { namedIn, same } from "../../tests/layout_names.ts";
import * as layout from "./layout.ts";

Deno.test("the hot path's layout has the numbers of records.ts and observation.ts", () => {
  const { TRANSPORT_FLOWS_AT: _, TRANSPORT_COUNT: count } = layout;
  const { flowsAt: _1, count: _2, ...transports } = namedIn(layout, "TRANSPORT_");
  deepStrictEqual(transports, same(transports, Transport));
  deepStrictEqual(count, TRANSPORT_NAMES.length);
  const { applicationsAt: _3, places: _4, ...applications } = namedIn(layout, "APPLICATION_");
  deepStrictEqual(applications, same(applications, Application));
  deepStrictEqual(APPLICATION_NAMES.length <= layout.APPLICATION_PLACES, true);
  deepStrictEqual(layout.LINKTYPE_ETHERNET, Linktype.ethernet);
  deepStrictEqual(namedIn(layout, "TURN_"), { ...FlowTurn });
  const kinds = namedIn(layout, "O_KIND_");
  deepStrictEqual(kinds, same(kinds, ObservationKind));
  const marks = namedIn(layout, "O_MARK_");
  deepStrictEqual({ ...marks, ...FlowTurn }, { ...Mark });
  deepStrictEqual(
    [layout.O_CONTACT_WORDS, layout.O_ARP_WORDS, layout.O_HOST_WINDOW_WORDS, layout.O_WORDS_MAX],
    [CONTACT_WORDS, ARP_WORDS, HOST_WINDOW_WORDS, OBSERVATION_WORDS_MAX],
  );
  deepStrictEqual(layout.O_DNS_WORDS, SHORT_WORDS + 2);
  deepStrictEqual(layout.HOT_WINDOW_US, WINDOW_US);
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
