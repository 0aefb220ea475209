/** A flow under the column names of `flows`, as `/api` and `analyze --flows` tell it. */
import type { Flow } from "../records.ts";
import { processRow } from "../text/processes.ts";

/** The names are those of the record, with underscores; what was not seen is null. */
export function flowRow(flow: Flow): Record<string, string | number | null> {
  return {
    id: flow.id,
    start_us: flow.startUs,
    end_us: flow.endUs,
    orig_h: flow.origH,
    orig_p: flow.origP,
    resp_h: flow.respH,
    resp_p: flow.respP,
    ip_version: flow.ipVersion,
    proto: flow.proto,
    service: flow.service,
    name: flow.name,
    ja4: flow.ja4,
    orig_pkts: flow.origPkts,
    orig_bytes: flow.origBytes,
    orig_wire_bytes: flow.origWireBytes,
    resp_pkts: flow.respPkts,
    resp_bytes: flow.respBytes,
    resp_wire_bytes: flow.respWireBytes,
    conn_state: flow.connState,
    history: flow.history,
    community_id: flow.communityId,
    rtt_us: flow.rttUs < 0 ? null : flow.rttUs,
    orig_retransmissions: flow.origRetransmissions,
    resp_retransmissions: flow.respRetransmissions,
    orig_copies: flow.origCopies,
    resp_copies: flow.respCopies,
    local_orig: flow.isOrigLocal ? 1 : 0,
    local_resp: flow.isRespLocal ? 1 : 0,
    interface_id: flow.interfaceId,
    vlan_id: flow.vlanId < 0 ? null : flow.vlanId,
    end_reason: flow.endReason,
    ...processRow(flow.process),
    summed_flows: flow.summed?.flows ?? null,
  };
}
