/**
 * The TCP state machine of the model (flow_model.ts), which the hot path's (agent/hot/assembly/tcp_states.ts) has to agree
 * with; what the states mean is told in conn_state.ts.
 */
import { originatorState, responderState, TcpEnd } from "./conn_state.ts";

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_ACK = 0x10;

/** The states after a packet. `hasPayload` matters only for a responder that acknowledges before its SYN-ACK. */
export function nextTcpStates(
  states: number,
  isOriginator: boolean,
  flags: number,
  hasPayload: boolean,
): number {
  const originator = states & 0x3f;
  const responder = states >> 6 & 0x3f;
  const own = isOriginator ? originator : responder;
  const peer = isOriginator ? responder : originator;
  const next = nextEnds(own, peer, isOriginator, flags, hasPayload);
  const nextOwn = next & 0x3f;
  const nextPeer = next >> 6;
  return isOriginator ? nextOwn | nextPeer << 6 : nextPeer | nextOwn << 6;
}

/** Own end in the low six bits, peer's in the next six. */
function nextEnds(
  own: number,
  peer: number,
  isOriginator: boolean,
  flags: number,
  hasPayload: boolean,
): number {
  switch (own & 7) {
    case TcpEnd.inactive:
      return fromInactive(own, peer, isOriginator, flags, hasPayload);
    case TcpEnd.synSent:
    case TcpEnd.synAckSent:
      return endOrReset(own, flags) | peer << 6;
    case TcpEnd.established:
    case TcpEnd.partial:
      return fromEstablished(own, peer, flags);
    case TcpEnd.closed:
      if ((flags & TCP_RST) === 0 || (peer & 7) === TcpEnd.closed) return own | peer << 6;
      return enter(own, TcpEnd.reset) | peer << 6;
    default:
      return own | peer << 6;
  }
}

function fromInactive(
  own: number,
  peer: number,
  isOriginator: boolean,
  flags: number,
  hasPayload: boolean,
): number {
  const peerState = peer & 7;
  if ((flags & TCP_SYN) !== 0) {
    own = enter(own, stateAfterSyn(isOriginator, flags, peerState));
    if (!isOriginator && peerState === TcpEnd.synSent) peer = enter(peer, TcpEnd.established);
  }
  own = endOrReset(own, flags);
  if ((own & 7) !== TcpEnd.inactive) return own | peer << 6;
  // Some hosts acknowledge a SYN before they send their own.
  if (!isOriginator && !hasPayload && peerState === TcpEnd.synSent) return own | peer << 6;
  const isHandshakeEnd = (flags & TCP_ACK) !== 0 && peerState === TcpEnd.established;
  return enter(own, isHandshakeEnd ? TcpEnd.established : TcpEnd.partial) | peer << 6;
}

function stateAfterSyn(isOriginator: boolean, flags: number, peerState: number): number {
  if (!isOriginator || peerState === TcpEnd.established) return TcpEnd.established;
  return (flags & TCP_ACK) !== 0 ? TcpEnd.synAckSent : TcpEnd.synSent;
}

function fromEstablished(own: number, peer: number, flags: number): number {
  const isSynAfterPartial = (flags & (TCP_SYN | TCP_ACK)) === TCP_SYN &&
    (own & 7) === TcpEnd.partial && (peer & 7) === TcpEnd.inactive;
  if (isSynAfterPartial) own = enter(own, TcpEnd.synSent);
  if ((flags & TCP_RST) !== 0) return enter(own, TcpEnd.reset) | peer << 6;
  if ((flags & TCP_FIN) !== 0) {
    own = enter(own, TcpEnd.closed);
    // FIN then RST of the peer, and now our FIN: a normal end after all.
    const isPeerFinThenRst = (peer & 7) === TcpEnd.reset && peer >> 3 === TcpEnd.closed;
    if (isPeerFinThenRst) peer = enter(peer, TcpEnd.closed);
  }
  return own | peer << 6;
}

function endOrReset(end: number, flags: number): number {
  if ((flags & TCP_FIN) !== 0) end = enter(end, TcpEnd.closed);
  if ((flags & TCP_RST) !== 0) end = enter(end, TcpEnd.reset);
  return end;
}

/** The state, with the one before it in the upper three bits. */
function enter(end: number, state: number): number {
  return (end & 7) === state ? end : state | (end & 7) << 3;
}

/** Nothing more is expected: both ends closed, one reset, or one closed and the other never heard. */
export function isTcpClosed(states: number): boolean {
  const originator = originatorState(states);
  const responder = responderState(states);
  if (originator === TcpEnd.reset || responder === TcpEnd.reset) return true;
  if (originator === TcpEnd.closed) {
    return responder === TcpEnd.closed || responder === TcpEnd.inactive;
  }
  return responder === TcpEnd.closed && originator === TcpEnd.inactive;
}

/** Both ends have said their last word (Zeek's IsClosed): any SYN is a new connection. */
export function isTcpClosedByBoth(states: number): boolean {
  return originatorState(states) >= TcpEnd.closed && responderState(states) >= TcpEnd.closed;
}

/** A handshake that is not complete: a SYN without an answer, or only its answer. */
export function isTcpAttempt(states: number): boolean {
  const originator = originatorState(states);
  const responder = responderState(states);
  if (responder === TcpEnd.inactive) {
    return originator === TcpEnd.synSent || originator === TcpEnd.synAckSent;
  }
  return responder === TcpEnd.established && originator === TcpEnd.inactive;
}
