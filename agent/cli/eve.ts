/**
 * Suricata-style EVE lines (docs.suricata.io, "Eve JSON Format") from what the pipeline reads: `flow`, `dns`, `tls`,
 * `http`, `stats`. Where tapwatch has no such field, it is left out rather than guessed.
 */
import type { ApplicationDetails, Flow, StatsSecond } from "../records.ts";
import { isoTime } from "./time_text.ts";

/** The line of a finished flow. */
export function eveFlow(flow: Flow): string {
  return JSON.stringify({
    ...tuple(flow, flow.endUs, "flow"),
    ...(flow.service && { app_proto: flow.service }),
    flow: {
      pkts_toserver: flow.origPkts,
      pkts_toclient: flow.respPkts,
      bytes_toserver: flow.origWireBytes,
      bytes_toclient: flow.respWireBytes,
      start: isoTime(flow.startUs),
      end: isoTime(flow.endUs),
      age: Math.floor((flow.endUs - flow.startUs) / 1e6),
      state: flow.connState,
      reason: flow.endReason,
    },
  });
}

/** The line of a DNS message, a ClientHello or an HTTP message; null for other details. */
export function eveDetails(
  details: ApplicationDetails,
  timestampUs: number,
  flow: Flow,
): string | null {
  if (details.dns) {
    const { dns } = details;
    return JSON.stringify({
      ...tuple(flow, timestampUs, "dns"),
      dns: {
        type: dns.isResponse ? "answer" : "query",
        id: dns.id,
        rrname: dns.queryName,
        rrtype: dns.queryType,
        ...(dns.isResponse && {
          rcode: dns.rcode,
          answers: dns.answers.map(({ name, type, data }) => ({
            rrname: name,
            rrtype: type,
            rdata: data,
          })),
        }),
      },
    });
  }
  if (details.tls) {
    const { serverName, version, alpn, ja4 } = details.tls;
    return JSON.stringify({
      ...tuple(flow, timestampUs, "tls"),
      tls: { sni: serverName, version, client_alpns: alpn, ja4 },
    });
  }
  if (!details.http) return null;
  const { method, host, path, userAgent, status } = details.http;
  return JSON.stringify({
    ...tuple(flow, timestampUs, "http"),
    http: { hostname: host, url: path, http_user_agent: userAgent, http_method: method, status },
  });
}

/** The line of one second's totals. */
export function eveStats(second: StatsSecond): string {
  return JSON.stringify({
    timestamp: isoTime(second.tsUs),
    event_type: "stats",
    stats: {
      decoder: {
        pkts: second.packets,
        bytes: second.bytes,
        tcp: second.tcpPackets,
        udp: second.udpPackets,
      },
      flow: { active: second.activeFlows, total_new: second.newFlows },
      capture: { kernel_drops: second.kernelDrops },
    },
  });
}

function tuple(flow: Flow, timestampUs: number, type: string) {
  return {
    timestamp: isoTime(timestampUs),
    flow_id: flow.id,
    event_type: type,
    src_ip: flow.origH,
    ...hasPorts(flow) && { src_port: flow.origP },
    dest_ip: flow.respH,
    ...hasPorts(flow) && { dest_port: flow.respP },
    proto: flow.proto.toUpperCase(),
    community_id: flow.communityId,
  };
}

function hasPorts(flow: Flow): boolean {
  return flow.proto === "tcp" || flow.proto === "udp" || flow.proto === "sctp";
}
