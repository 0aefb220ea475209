/** Flows as rows, for the list and for the pages of findings; cards on a phone. */
import type { StoredFlow } from "../agent/store/schema.ts";
import { Address } from "./Address.tsx";
import { formatBytes, formatCount, formatDuration, formatWhen } from "./format.ts";
import { protocolLabel } from "./protocol_groups.ts";

interface Props {
  readonly flows: readonly StoredFlow[];
  readonly nowUs: number;
  readonly zone: string;
}

export function FlowTable({ flows, nowUs, zone }: Props) {
  return (
    <table class="tbl cards flows">
      <thead>
        <tr>
          <th scope="col">Start</th>
          <th scope="col">From</th>
          <th scope="col">To</th>
          <th scope="col">Service</th>
          <th scope="col">Name</th>
          <th scope="col" class="num">Sent</th>
          <th scope="col" class="num">Received</th>
          <th scope="col" class="num">Packets</th>
          <th scope="col" class="num">Lasted</th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {flows.map((flow) => <FlowRow key={flow.id} flow={flow} nowUs={nowUs} zone={zone} />)}
      </tbody>
    </table>
  );
}

function FlowRow({ flow, nowUs, zone }: { flow: StoredFlow; nowUs: number; zone: string }) {
  const hasPorts = flow.proto === "tcp" || flow.proto === "udp" || flow.proto === "sctp";
  return (
    <tr title={`Community ID ${flow.community_id}`}>
      <td class="mono dim time">{formatWhen(flow.start_us, nowUs, zone)}</td>
      <td class="mono ends">
        <Address address={flow.orig_h} />
        {hasPorts && <span class="port">:{flow.orig_p}</span>}
      </td>
      <td class="mono ends" data-l="to">
        <Address address={flow.resp_h} />
        {hasPorts && <span class="port">:{flow.resp_p}</span>}
      </td>
      <td class="proto">{protocolLabel(flow.service || flow.proto)}</td>
      <td class="grow w2">{flow.name}</td>
      <td class="num sent" data-l="sent">{formatBytes(flow.orig_wire_bytes)}</td>
      <td class="num" data-l="received">{formatBytes(flow.resp_wire_bytes)}</td>
      <td class="num opt">{formatCount(flow.orig_pkts + flow.resp_pkts)}</td>
      <td class="num opt">{formatDuration((flow.end_us - flow.start_us) / 1e6)}</td>
      <td class="mono opt" title={flow.history}>{flow.conn_state}</td>
    </tr>
  );
}
