/** How long flows live: the values, and which of them holds for which flow. All times are traffic time. */
import {
  CLASS_COUNT,
  CLASS_ICMP,
  CLASS_OTHER,
  CLASS_TCP_ATTEMPT,
  CLASS_TCP_CLOSED,
  CLASS_TCP_IDLE,
  CLASS_UDP,
} from "../hot/layout.ts";

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

/** `activeUs` where history is written while flows run: a stream has a row of it every five minutes. */
export const ROW_ACTIVE_US = 300 * second;

/** Microseconds by timeout class (CLASS_ of the hot path's layout). */
export function timeoutsByClass(timeouts: FlowTimeouts): Float64Array {
  const timeoutsUs = new Float64Array(CLASS_COUNT);
  timeoutsUs[CLASS_TCP_ATTEMPT] = timeouts.tcpAttemptUs;
  timeoutsUs[CLASS_TCP_IDLE] = timeouts.tcpIdleUs;
  timeoutsUs[CLASS_TCP_CLOSED] = timeouts.tcpClosedUs;
  timeoutsUs[CLASS_UDP] = timeouts.udpUs;
  timeoutsUs[CLASS_ICMP] = timeouts.icmpUs;
  timeoutsUs[CLASS_OTHER] = timeouts.otherUs;
  return timeoutsUs;
}
