/**
 * Zeek's connection states (TCPSessionAdapter.cc): a small state machine for each end of a TCP connection. The name that
 * conn.log gives to where both stand is agent/flow/conn_state.ts, which also says where we differ.
 *
 * Both ends are packed into twelve bits: originator's state (3 bits), its previous state (3), then the responder's.
 */

export const INACTIVE: i32 = 0;
export const SYN_SENT: i32 = 1;
export const SYN_ACK_SENT: i32 = 2;
export const PARTIAL: i32 = 3;
export const ESTABLISHED: i32 = 4;
export const CLOSED: i32 = 5;
export const RESET: i32 = 6;

export const FIN: i32 = 0x01;
export const SYN: i32 = 0x02;
export const RST: i32 = 0x04;
export const ACK: i32 = 0x10;

/** The state of one end, 0 the originator's. */
@inline
export function endState(states: i32, direction: i32): i32 {
  return states >>> (direction * 6) & 7;
}

/** The states after a packet. `hasPayload` matters only for a responder that acknowledges before its SYN-ACK. */
export function nextTcpStates(states: i32, isOriginator: bool, flags: i32, hasPayload: bool): i32 {
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
function nextEnds(own: i32, peer: i32, isOriginator: bool, flags: i32, hasPayload: bool): i32 {
  switch (own & 7) {
    case INACTIVE:
      return fromInactive(own, peer, isOriginator, flags, hasPayload);
    case SYN_SENT:
    case SYN_ACK_SENT:
      return endOrReset(own, flags) | peer << 6;
    case ESTABLISHED:
    case PARTIAL:
      return fromEstablished(own, peer, flags);
    case CLOSED:
      if ((flags & RST) == 0 || (peer & 7) == CLOSED) return own | peer << 6;
      return enter(own, RESET) | peer << 6;
    default:
      return own | peer << 6;
  }
}

function fromInactive(own: i32, peer: i32, isOriginator: bool, flags: i32, hasPayload: bool): i32 {
  const peerState = peer & 7;
  if ((flags & SYN) != 0) {
    own = enter(own, stateAfterSyn(isOriginator, flags, peerState));
    if (!isOriginator && peerState == SYN_SENT) peer = enter(peer, ESTABLISHED);
  }
  own = endOrReset(own, flags);
  if ((own & 7) != INACTIVE) return own | peer << 6;
  // Some hosts acknowledge a SYN before they send their own.
  if (!isOriginator && !hasPayload && peerState == SYN_SENT) return own | peer << 6;
  const isHandshakeEnd = (flags & ACK) != 0 && peerState == ESTABLISHED;
  return enter(own, isHandshakeEnd ? ESTABLISHED : PARTIAL) | peer << 6;
}

function stateAfterSyn(isOriginator: bool, flags: i32, peerState: i32): i32 {
  if (!isOriginator || peerState == ESTABLISHED) return ESTABLISHED;
  return (flags & ACK) != 0 ? SYN_ACK_SENT : SYN_SENT;
}

function fromEstablished(own: i32, peer: i32, flags: i32): i32 {
  const isSynAfterPartial = (flags & (SYN | ACK)) == SYN && (own & 7) == PARTIAL &&
    (peer & 7) == INACTIVE;
  if (isSynAfterPartial) own = enter(own, SYN_SENT);
  if ((flags & RST) != 0) return enter(own, RESET) | peer << 6;
  if ((flags & FIN) != 0) {
    own = enter(own, CLOSED);
    // FIN then RST of the peer, and now our FIN: a normal end after all.
    const isPeerFinThenRst = (peer & 7) == RESET && peer >> 3 == CLOSED;
    if (isPeerFinThenRst) peer = enter(peer, CLOSED);
  }
  return own | peer << 6;
}

function endOrReset(end: i32, flags: i32): i32 {
  if ((flags & FIN) != 0) end = enter(end, CLOSED);
  if ((flags & RST) != 0) end = enter(end, RESET);
  return end;
}

/** The state, with the one before it in the upper three bits. */
function enter(end: i32, state: i32): i32 {
  return (end & 7) == state ? end : state | (end & 7) << 3;
}

/** Nothing more is expected: both ends closed, one reset, or one closed and the other never heard. */
export function isTcpClosed(states: i32): bool {
  const originator = states & 7;
  const responder = states >> 6 & 7;
  if (originator == RESET || responder == RESET) return true;
  if (originator == CLOSED) return responder == CLOSED || responder == INACTIVE;
  return responder == CLOSED && originator == INACTIVE;
}

/** A handshake that is not complete: a SYN without an answer, or only its answer. */
export function isTcpAttempt(states: i32): bool {
  const originator = states & 7;
  const responder = states >> 6 & 7;
  if (responder == INACTIVE) return originator == SYN_SENT || originator == SYN_ACK_SENT;
  return responder == ESTABLISHED && originator == INACTIVE;
}
