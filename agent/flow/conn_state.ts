/**
 * Zeek's connection states (scripts/base/protocols/conn/main.zeek and TCPSessionAdapter.cc): a small state machine
 * for each end of a TCP connection, and the name that conn.log gives to where both stand.
 *
 * Both ends are packed into twelve bits: originator's state (3 bits), its previous state (3), then the responder's.
 *
 * Not as in Zeek: a SYN-ACK as the first packet always makes its sender the responder (Zeek does so for well-known
 * ports only), and the SYN that comes after it establishes the connection at once.
 */

/** State of one end. Numbers and meaning are Zeek's. */
export const TcpEnd = {
  inactive: 0,
  synSent: 1,
  synAckSent: 2,
  partial: 3,
  established: 4,
  closed: 5,
  reset: 6,
} as const;

export function originatorState(states: number): number {
  return states & 7;
}
export function responderState(states: number): number {
  return states >> 6 & 7;
}

/** What tcpConnState() needs to know besides the ends' states. */
interface TcpOutcome {
  readonly states: number;
  readonly history: string;
  readonly hasPayload: boolean;
}

/** Zeek's conn_state of a TCP flow. */
export function tcpConnState({ states, history, hasPayload }: TcpOutcome): string {
  const originator = originatorState(states);
  const responder = responderState(states);
  const isOriginatorUnheard = originator === TcpEnd.inactive || originator === TcpEnd.partial;
  const isResponderUnheard = responder === TcpEnd.inactive || responder === TcpEnd.partial;
  if (responder === TcpEnd.reset) {
    const isRejected = originator === TcpEnd.synSent || originator === TcpEnd.synAckSent ||
      (originator === TcpEnd.reset && !hasPayload);
    if (isRejected) return "REJ";
    return isOriginatorUnheard ? "RSTRH" : "RSTR";
  }
  if (originator === TcpEnd.reset) {
    if (!isResponderUnheard) return "RSTO";
    return /^\^?S[^HAFGIQ]*R/.test(history) ? "RSTOS0" : "OTH";
  }
  if (originator === TcpEnd.closed) {
    if (responder === TcpEnd.closed) return "SF";
    return isResponderUnheard ? "SH" : "S2";
  }
  if (responder === TcpEnd.closed) return isOriginatorUnheard ? "SHR" : "S3";
  if (originator === TcpEnd.synSent && responder === TcpEnd.inactive) return "S0";
  const isEstablished = originator === TcpEnd.established && responder === TcpEnd.established;
  return isEstablished ? "S1" : "OTH";
}

/** Zeek's conn_state of a UDP flow, by who has sent. */
export function udpConnState(origPackets: number, respPackets: number): string {
  if (origPackets > 0) return respPackets > 0 ? "SF" : "S0";
  return respPackets > 0 ? "SHR" : "OTH";
}
