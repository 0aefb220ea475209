/** Turns a slot of the flow table into the Flow record that leaves it. */
import {
  APPLICATION_NAMES,
  type Flow,
  type FlowEndReason,
  Transport,
  TRANSPORT_NAMES,
} from "../records.ts";
import { addressText } from "./address_text.ts";
import { communityId } from "./community_id.ts";
import { tcpConnState, udpConnState } from "./conn_state.ts";
import {
  KEY_HIGH_3,
  KEY_HIGH_REST,
  KEY_LOW_3,
  KEY_LOW_REST,
  KEY_META,
  KEY_PORTS,
  META_HAS_PORTS,
  META_IS_IPV6,
} from "./five_tuple.ts";
import {
  D_ID,
  D_LAST,
  D_ORIG_BYTES,
  D_ORIG_WIRE_BYTES,
  D_RESP_BYTES,
  D_RESP_WIRE_BYTES,
  D_START,
  type FlowSlots,
  KIND_APPLICATION_SHIFT,
  M_INTERFACE,
  M_JA4,
  M_KEY,
  M_KIND,
  M_NAME,
  M_ORIG_PACKETS,
  M_RESP_PACKETS,
  M_STATE,
  MAIN_WORDS,
  STATE_ORIGINATOR_IS_LOW,
  STATE_TCP_MASK,
  T_ORIG_RETRANSMISSIONS,
  T_RESP_RETRANSMISSIONS,
  T_RTT,
  TCP_WORDS,
} from "./flow_slots.ts";
import { historyText } from "./history.ts";
import type { StringTable } from "./string_table.ts";

const noVlan = 0xffff;

/** Interface and VLAN id in one word; -1 for no VLAN. */
export function packInterface(interfaceId: number, vlanId: number): number {
  return interfaceId & 0xffff | (vlanId & 0xffff) << 16;
}

export function makeFlow(
  slots: FlowSlots,
  strings: StringTable,
  slot: number,
  endReason: FlowEndReason | "",
): Flow {
  const base = slot * MAIN_WORDS;
  const doubles = slot * (MAIN_WORDS / 2);
  const { main, mainDoubles } = slots;
  const transport = TRANSPORT_NAMES[main[base + M_KIND] & 0xff];
  const isTcp = transport === "tcp";
  const vlanId = main[base + M_INTERFACE] >>> 16;
  return {
    id: mainDoubles[doubles + D_ID],
    startUs: mainDoubles[doubles + D_START],
    endUs: mainDoubles[doubles + D_LAST],
    ...endpoints(main, base),
    ipVersion: (main[base + M_KEY + KEY_META] & META_IS_IPV6) !== 0 ? 6 : 4,
    proto: transport,
    service: APPLICATION_NAMES[main[base + M_KIND] >>> KIND_APPLICATION_SHIFT],
    name: strings.text(main[base + M_NAME]),
    ja4: strings.text(main[base + M_JA4]),
    origPkts: main[base + M_ORIG_PACKETS] >>> 0,
    origBytes: mainDoubles[doubles + D_ORIG_BYTES],
    origWireBytes: mainDoubles[doubles + D_ORIG_WIRE_BYTES],
    respPkts: main[base + M_RESP_PACKETS] >>> 0,
    respBytes: mainDoubles[doubles + D_RESP_BYTES],
    respWireBytes: mainDoubles[doubles + D_RESP_WIRE_BYTES],
    connState: connState(slots, slot),
    history: historyText(slots, slot),
    rttUs: isTcp ? slots.tcp[slot * TCP_WORDS + T_RTT] : -1,
    origRetransmissions: slots.tcp[slot * TCP_WORDS + T_ORIG_RETRANSMISSIONS],
    respRetransmissions: slots.tcp[slot * TCP_WORDS + T_RESP_RETRANSMISSIONS],
    interfaceId: main[base + M_INTERFACE] & 0xffff,
    vlanId: vlanId === noVlan ? -1 : vlanId,
    endReason,
  };
}

function connState(slots: FlowSlots, slot: number): string {
  const { main, mainDoubles } = slots;
  const base = slot * MAIN_WORDS;
  const doubles = slot * (MAIN_WORDS / 2);
  switch (main[base + M_KIND] & 0xff) {
    case Transport.tcp:
      return tcpConnState({
        states: main[base + M_STATE] & STATE_TCP_MASK,
        history: historyText(slots, slot),
        hasPayload: mainDoubles[doubles + D_ORIG_BYTES] + mainDoubles[doubles + D_RESP_BYTES] > 0,
      });
    case Transport.udp:
      return udpConnState(main[base + M_ORIG_PACKETS], main[base + M_RESP_PACKETS]);
    default:
      return "OTH";
  }
}

/** 4 or 16 bytes of an address of a FlowKey, whose words 0 to 2 are at `rest` and whose word 3 is at `last`. */
function addressBytes(
  words: Int32Array,
  rest: number,
  last: number,
  isIpv6: boolean,
): Uint8Array {
  const bytes = new Uint8Array(isIpv6 ? 16 : 4);
  const view = new DataView(bytes.buffer);
  if (isIpv6) { for (let i = 0; i < 3; i++) view.setInt32(i * 4, words[rest + i]); }
  view.setInt32(bytes.length - 4, words[last]);
  return bytes;
}

function endpoints(
  main: Int32Array,
  base: number,
): Pick<Flow, "origH" | "origP" | "respH" | "respP" | "communityId"> {
  const meta = main[base + M_KEY + KEY_META];
  const isIpv6 = (meta & META_IS_IPV6) !== 0;
  const isOriginatorLow = (main[base + M_STATE] & STATE_ORIGINATOR_IS_LOW) !== 0;
  const ports = main[base + M_KEY + KEY_PORTS];
  const lowPort = ports >>> 16;
  const highPort = ports & 0xffff;
  const key = main.subarray(base + M_KEY);
  const low = addressBytes(key, KEY_LOW_REST, KEY_LOW_3, isIpv6);
  const high = addressBytes(key, KEY_HIGH_REST, KEY_HIGH_3, isIpv6);
  const originator = isOriginatorLow ? low : high;
  const responder = isOriginatorLow ? high : low;
  const origP = isOriginatorLow ? lowPort : highPort;
  const respP = isOriginatorLow ? highPort : lowPort;
  return {
    origH: addressText(originator),
    origP,
    respH: addressText(responder),
    respP,
    communityId: communityId({
      sourceAddress: originator,
      destinationAddress: responder,
      protocol: meta & 0xff,
      sourcePort: (meta & META_HAS_PORTS) !== 0 ? origP : -1,
      destinationPort: respP,
    }),
  };
}

/** Writes nine words from `at`: the originator's address, the responder's, and their ports. `base` is the slot's. */
export function writeEnds(main: Int32Array, base: number, words: Int32Array, at: number): void {
  const isIpv6 = (main[base + M_KEY + KEY_META] & META_IS_IPV6) !== 0;
  const isLowFirst = (main[base + M_STATE] & STATE_ORIGINATOR_IS_LOW) !== 0;
  const low = isLowFirst ? at : at + 4;
  const high = isLowFirst ? at + 4 : at;
  const key = base + M_KEY;
  for (let word = 0; word < 3; word++) {
    const mapped = word === 2 ? 0xffff : 0;
    words[low + word] = isIpv6 ? main[key + KEY_LOW_REST + word] : mapped;
    words[high + word] = isIpv6 ? main[key + KEY_HIGH_REST + word] : mapped;
  }
  words[low + 3] = main[key + KEY_LOW_3];
  words[high + 3] = main[key + KEY_HIGH_3];
  const ports = main[key + KEY_PORTS];
  words[at + 8] = isLowFirst ? ports : ports << 16 | ports >>> 16;
}
