/** Who began a flow; the rule is told in agent/flow/flow_table.ts. */
import {
  F_STATE,
  P_DESTINATION,
  P_DESTINATION_PORT,
  P_IP_PROTOCOL,
  P_IP_VERSION,
  P_SOURCE,
  P_SOURCE_PORT,
  P_TCP_FLAGS,
  SERVER_PORTS_AT,
  SERVER_PORTS_BYTES,
  STATE_ORIGINATOR_IS_LOW,
} from "../layout";
import { isSwapped } from "./flow_key";
import { ACK, SYN } from "./tcp_states";
import { field } from "./words";

const PROTOCOL_TCP: i32 = 6;
const PROTOCOL_UDP: i32 = 17;

/** 0 when the packet in hand was sent by the flow's originator, else 1. */
@inline
export function directionOf(flow: usize): i32 {
  const isLow = (load<i32>(flow, F_STATE << 2) & STATE_ORIGINATOR_IS_LOW) != 0;
  return <i32> (isLow == isSwapped);
}

/** From a flow's first packet: true when the sender is taken for its responder. */
export function isSentByResponder(): bool {
  const protocol = field(P_IP_PROTOCOL);
  const flags = field(P_TCP_FLAGS);
  const source = field(P_SOURCE_PORT);
  const destination = field(P_DESTINATION_PORT);
  const isTcp = protocol == PROTOCOL_TCP;
  if (isTcp && flags >= 0 && (flags & SYN) != 0) return (flags & ACK) != 0 && !isToItself();
  if (!isLikelyServerPort(protocol, source) || isToMany()) return false;
  if (!isLikelyServerPort(protocol, destination)) return true;
  return isTcp && source < destination;
}

/** IPv4 multicast (224.0.0.0/4) and 255.255.255.255, IPv6 multicast (ff00::/8): never an originator. */
export function isToMany(): bool {
  const version = field(P_IP_VERSION);
  if (version != 4) return version == 6 && <u32> field(P_DESTINATION) >> 24 == 0xff;
  const address = field(P_DESTINATION + 3);
  return <u32> address >> 28 == 0xe || address == -1;
}

/** Source and destination are one address and port; there is nothing to tell roles by. */
function isToItself(): bool {
  if (field(P_SOURCE_PORT) != field(P_DESTINATION_PORT)) return false;
  for (let word = 0; word < 4; word++) {
    if (field(P_SOURCE + word) != field(P_DESTINATION + word)) return false;
  }
  return true;
}

function isLikelyServerPort(protocol: i32, port: i32): bool {
  if (port < 0 || (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)) return false;
  const table = protocol == PROTOCOL_TCP ? 0 : SERVER_PORTS_BYTES;
  return (load<u8>(SERVER_PORTS_AT + table + (port >> 3)) >> <u8> (port & 7) & 1) != 0;
}
