/**
 * Payload bytes of a TCP connection by its sequence numbers, for the model (flow_model.ts); the rules are told in
 * agent/hot/assembly/tcp_sequence.ts. Numbers are put on a line without end, where nothing wraps.
 */
import { TcpEnd } from "./conn_state.ts";
import type { Packet } from "../records.ts";
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "./model_tcp_states.ts";

const believableJump = 2 ** 20;
const witnessDistance = 2 ** 26;

/** What one end has sent. */
export class ModelStream {
  /** Place of the SYN, or of where it would have been; null before the first segment. */
  start: number | null = null;
  /** Place behind the furthest byte. */
  #furthest = 0;
  /** A number too far ahead to be believed; its lowest bit says that it was an acknowledgement. */
  #far: number | null = null;

  isStartedBy(sequence: number): boolean {
    return this.start !== null && (this.start - sequence | 0) === 0;
  }

  isNear(number: number): boolean {
    return Math.abs(number - this.#furthest | 0) <= believableJump;
  }

  /** Takes a segment of the end, which is in `state`; returns by how many bytes its payload has grown. */
  send(packet: Packet, state: number, bytes: number): number {
    const { tcpFlags: flags, tcpSequence: sequence } = packet;
    const isSyn = (flags & TCP_SYN) !== 0;
    const isOtherSyn = isSyn && state < TcpEnd.closed && !this.isStartedBy(sequence);
    if (state === TcpEnd.inactive || isOtherSyn) {
      this.start = isSyn ? sequence : sequence - 1;
      this.#furthest = sequence;
      this.#far = null;
    }
    if ((flags & TCP_RST) !== 0 || state === TcpEnd.reset) return 0;
    const isFin = (flags & TCP_FIN) !== 0;
    const controls = Number(isSyn) + Number(isFin);
    const number = sequence + packet.payloadLength + controls;
    const ahead = this.#ahead(number, isFin);
    if (ahead > believableJump && !this.#isWitnessed(number & ~1 || 2)) return 0;
    if (ahead > 0) {
      this.#furthest += ahead;
      return ahead - controls;
    }
    return ahead === 0 && isFin && state !== TcpEnd.closed && bytes > 0 ? -1 : 0;
  }

  /** Takes an acknowledgement of what the end has sent; returns by how many bytes its payload has grown. */
  acknowledge(packet: Packet, state: number): number {
    const { tcpFlags: flags, tcpAcknowledgement: number } = packet;
    const isTrusted = (flags & TCP_ACK) !== 0 && (flags & (TCP_SYN | TCP_RST)) === 0;
    const hasBegun = [TcpEnd.partial, TcpEnd.established, TcpEnd.closed].some((s) => s === state);
    if (!isTrusted || !hasBegun) return 0;
    const ahead = this.#ahead(number, (flags & TCP_FIN) !== 0);
    if (ahead <= 1) return 0;
    if (ahead > believableJump && !this.#isAcknowledgementBelieved(number)) return 0;
    this.#furthest += ahead;
    return state === TcpEnd.closed ? ahead - 1 : ahead;
  }

  #isAcknowledgementBelieved(number: number): boolean {
    return number !== 0 && this.#isWitnessed(number | 1);
  }

  #ahead(number: number, isFin: boolean): number {
    const difference = number - this.#furthest | 0;
    const isOnlySynSeen = this.#furthest === this.start! + 1;
    return isFin && isOnlySynSeen ? difference >>> 0 : difference;
  }

  #isWitnessed(named: number): boolean {
    const far = this.#far;
    const isNear = far !== null && far !== named && Math.abs(named - far | 0) <= witnessDistance;
    this.#far = isNear ? null : named;
    return isNear;
  }
}
