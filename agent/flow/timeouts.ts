/** How long flows live: the values, and which of them holds for which flow. All times are traffic time. */
import { type FlowEndReason, TRANSPORT_NAMES } from "../records.ts";
import { isTcpAttempt, isTcpClosed } from "./conn_state.ts";

/** How long a flow may be silent, in microseconds of traffic time. */
export interface FlowTimeouts {
  /** TCP: a SYN without an answer, or only the answer. */
  readonly tcpAttemptUs: number;
  /** TCP, established, half closed or seen from the middle. */
  readonly tcpIdleUs: number;
  /** TCP after its end, for late segments. */
  readonly tcpClosedUs: number;
  readonly udpUs: number;
  readonly icmpUs: number;
  /** SCTP, ESP, GRE and all others. */
  readonly otherUs: number;
  /** Not silence but age: a flow older than this is cut at its next packet. */
  readonly activeUs: number;
}

const second = 1_000_000;
/**
 * Zeek's values (tcp_inactivity_timeout, tcp_close_delay, udp_ and icmp_inactivity_timeout, unknown_ip_…), but 10 s
 * for attempts, so that four retransmitted SYNs stay one flow (Zeek: 5 s), and NetFlow's usual cut after 30 minutes.
 */
export const DEFAULT_TIMEOUTS: FlowTimeouts = {
  tcpAttemptUs: 10 * second,
  tcpIdleUs: 300 * second,
  tcpClosedUs: 5 * second,
  udpUs: 60 * second,
  icmpUs: 60 * second,
  otherUs: 60 * second,
  activeUs: 1800 * second,
};

/** The timeouts as numbers: index of FlowTable's lists. */
export const TimeoutClass = {
  tcpAttempt: 0,
  tcpIdle: 1,
  tcpClosed: 2,
  udp: 3,
  icmp: 4,
  other: 5,
} as const;
export const TIMEOUT_CLASS_COUNT = 6;

/** Microseconds by TimeoutClass. */
export function timeoutsByClass(timeouts: FlowTimeouts): Float64Array {
  const timeoutsUs = new Float64Array(TIMEOUT_CLASS_COUNT);
  timeoutsUs[TimeoutClass.tcpAttempt] = timeouts.tcpAttemptUs;
  timeoutsUs[TimeoutClass.tcpIdle] = timeouts.tcpIdleUs;
  timeoutsUs[TimeoutClass.tcpClosed] = timeouts.tcpClosedUs;
  timeoutsUs[TimeoutClass.udp] = timeouts.udpUs;
  timeoutsUs[TimeoutClass.icmp] = timeouts.icmpUs;
  timeoutsUs[TimeoutClass.other] = timeouts.otherUs;
  return timeoutsUs;
}

/** The class of a new flow, by index into TRANSPORT_NAMES. */
export function firstTimeoutClass(transport: number): number {
  switch (TRANSPORT_NAMES[transport]) {
    case "tcp":
      return TimeoutClass.tcpIdle;
    case "udp":
      return TimeoutClass.udp;
    case "icmp":
    case "icmpv6":
      return TimeoutClass.icmp;
    default:
      return TimeoutClass.other;
  }
}

/** The class of a TCP flow whose ends are in these states (conn_state.ts). */
export function tcpTimeoutClass(states: number): number {
  if (isTcpClosed(states)) return TimeoutClass.tcpClosed;
  return isTcpAttempt(states) ? TimeoutClass.tcpAttempt : TimeoutClass.tcpIdle;
}

/** What a flow of this class is said to end of when its time is over. */
export function endReasonOf(timeoutClass: number): FlowEndReason {
  return timeoutClass === TimeoutClass.tcpClosed ? "closed" : "idle";
}
