/** Turns a slot of the flow table into the Flow record that leaves it. */
import type { HotPath } from "../hot/hot_path.ts";
import {
  F_BYTES,
  F_COPIES,
  F_HIGH_3,
  F_HIGH_REST,
  F_ID,
  F_INTERFACE,
  F_JA4,
  F_KIND,
  F_LAST_US,
  F_LOW_3,
  F_LOW_REST,
  F_META,
  F_NAME,
  F_PACKETS,
  F_PORTS,
  F_RETRANSMISSIONS,
  F_RTT,
  F_START_US,
  F_STATE,
  F_WIRE_BYTES,
  KIND_APPLICATION_SHIFT,
  META_HAS_PORTS,
  META_IS_IPV6,
  ORIGINATOR_IS_LOCAL,
  RESPONDER_IS_LOCAL,
  STATE_HOST_FLAGS_SHIFT,
  STATE_ORIGINATOR_IS_LOW,
  STATE_TCP_MASK,
} from "../hot/layout.ts";
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
import { historyText } from "./history.ts";
import type { StringTable } from "./string_table.ts";

const noVlan = 0xffff;

/** The record of the flow whose slot begins at word `base` of the hot path's memory. */
export function makeFlow(
  { words, doubles, bytes }: HotPath,
  base: number,
  strings: StringTable,
  endReason: FlowEndReason | "",
): Flow {
  const transport = TRANSPORT_NAMES[words[base + F_KIND] & 0xff];
  const isTcp = transport === "tcp";
  const vlanId = words[base + F_INTERFACE] >>> 16;
  const double = base / 2;
  const origBytes = doubles[double + F_BYTES / 2];
  const respBytes = doubles[double + F_BYTES / 2 + 1];
  const origCopies = words[base + F_COPIES] >>> 0;
  const respCopies = words[base + F_COPIES + 1] >>> 0;
  const history = historyText(words, bytes, base);
  const hostFlags = words[base + F_STATE] >>> STATE_HOST_FLAGS_SHIFT;
  return {
    id: doubles[double + F_ID / 2],
    startUs: doubles[double + F_START_US / 2],
    endUs: doubles[double + F_LAST_US / 2],
    ...endpoints(words, base),
    ipVersion: (words[base + F_META] & META_IS_IPV6) !== 0 ? 6 : 4,
    proto: transport,
    service: APPLICATION_NAMES[words[base + F_KIND] >>> KIND_APPLICATION_SHIFT],
    name: strings.text(words[base + F_NAME]),
    ja4: strings.text(words[base + F_JA4]),
    origPkts: (words[base + F_PACKETS] >>> 0) + origCopies,
    origBytes,
    origWireBytes: doubles[double + F_WIRE_BYTES / 2],
    respPkts: (words[base + F_PACKETS + 1] >>> 0) + respCopies,
    respBytes,
    respWireBytes: doubles[double + F_WIRE_BYTES / 2 + 1],
    connState: connState(words, base, { history, hasPayload: origBytes + respBytes > 0 }),
    history,
    rttUs: isTcp ? words[base + F_RTT] : -1,
    origRetransmissions: words[base + F_RETRANSMISSIONS],
    respRetransmissions: words[base + F_RETRANSMISSIONS + 1],
    origCopies,
    respCopies,
    isOrigLocal: (hostFlags & ORIGINATOR_IS_LOCAL) !== 0,
    isRespLocal: (hostFlags & RESPONDER_IS_LOCAL) !== 0,
    interfaceId: words[base + F_INTERFACE] & 0xffff,
    vlanId: vlanId === noVlan ? -1 : vlanId,
    endReason,
  };
}

function connState(
  words: Int32Array,
  base: number,
  outcome: { readonly history: string; readonly hasPayload: boolean },
): string {
  switch (words[base + F_KIND] & 0xff) {
    case Transport.tcp:
      return tcpConnState({ states: words[base + F_STATE] & STATE_TCP_MASK, ...outcome });
    case Transport.udp:
      return udpConnState(words[base + F_PACKETS], words[base + F_PACKETS + 1]);
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
  const meta = main[base + F_META];
  const isIpv6 = (meta & META_IS_IPV6) !== 0;
  const isOriginatorLow = (main[base + F_STATE] & STATE_ORIGINATOR_IS_LOW) !== 0;
  const ports = main[base + F_PORTS];
  const lowPort = ports >>> 16;
  const highPort = ports & 0xffff;
  const key = main.subarray(base);
  const low = addressBytes(key, F_LOW_REST, F_LOW_3, isIpv6);
  const high = addressBytes(key, F_HIGH_REST, F_HIGH_3, isIpv6);
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
