/** Flows as rows, for the list and for the pages of findings; what a row says leads to what else has it. Cards on a phone. */
import { hasPorts } from "../agent/records.ts";
import { term } from "../agent/search/edit.ts";
import type { FlowOrder } from "../agent/search/open_flows.ts";
import { counted } from "../agent/text/amounts.ts";
import { processName, processText, readProcess } from "../agent/text/processes.ts";
import type { StoredFlow } from "../agent/store/schema.ts";
import { Address } from "./Address.tsx";
import { AgentCell, AgentHead, type OfAgent } from "./AgentName.tsx";
import { PlaceMark } from "./Place.tsx";
import { endText, hostOfName, isOfMany, namesOf, stateText, stateWord } from "./flow_text.ts";
import { formatBytes, formatCount, formatDuration, formatSecond } from "./format.ts";
import { protocolLabel } from "./protocol_groups.ts";
import { type Sort, SortCell, SortHead } from "./SortHead.tsx";

interface Clock {
  readonly nowUs: number;
  readonly zone: string;
}
/** What the links of a table lead to. */
interface Links {
  /** The list with one more term. */
  readonly narrow: (term: string) => string;
  /** Names of hosts by address. */
  readonly names: Readonly<Record<string, string>>;
}
interface Props extends Clock, Partial<Links> {
  readonly flows: readonly (StoredFlow & OfAgent & { readonly state?: "open" | "ended" })[];
  /** Where the columns can be sorted; the link turns the order round where it is sorted already. */
  readonly sort?: Sort<FlowOrder> | undefined;
}

const searchFlows = (text: string) => `/flows?${new URLSearchParams({ q: text })}`;

export function FlowTable({ flows, narrow = searchFlows, names = {}, sort, ...clock }: Props) {
  return (
    <table class="tbl cards flows">
      <thead>
        <tr>
          <SortHead label="Last packet" order="last" sort={sort} />
          <AgentHead />
          <th scope="col">From</th>
          <th scope="col">To</th>
          <th scope="col">Service</th>
          <SortHead label="Sent" order="sent" sort={sort} isNumber />
          <SortHead label="Received" order="received" sort={sort} isNumber />
          <SortHead label="Packets" order="packets" sort={sort} isNumber isRoomy />
          <SortHead label="Lasted" order="duration" sort={sort} isNumber />
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {flows.map((flow) => (
          <FlowRow key={flow.id} flow={flow} narrow={narrow} names={names} sort={sort} {...clock} />
        ))}
      </tbody>
    </table>
  );
}

type RowProps = Clock & Links & Pick<Props, "sort"> & { readonly flow: Props["flows"][number] };

function FlowRow({ flow, narrow, names, sort, nowUs, zone }: RowProps) {
  const service = flow.service || flow.proto;
  return (
    <tr>
      <td class="mono dim time">
        <a class="plain" href={`/flows/${flow.id}`} title="This flow" aria-current="false">
          {formatSecond(flow.end_us, nowUs, zone)}
        </a>
      </td>
      <AgentCell row={flow} />
      <FlowEnd flow={flow} side="orig" narrow={narrow} names={names} />
      <FlowEnd flow={flow} side="resp" narrow={narrow} names={names} />
      <td class="proto">
        <a class="plain" href={narrow(term(flow.service ? "service" : "proto", service))}>
          {protocolLabel(service)}
        </a>
        <FlowProcessOf flow={flow} narrow={narrow} />
      </td>
      <td class="num sent" data-l="sent">{formatBytes(flow.orig_wire_bytes)}</td>
      <td class="num" data-l="received">{formatBytes(flow.resp_wire_bytes)}</td>
      <SortCell sort={sort} order="packets" label="packets" isRoomy>
        {formatCount(flow.orig_pkts + flow.resp_pkts)}
      </SortCell>
      <SortCell sort={sort} order="duration" label="lasted">
        {formatDuration((flow.end_us - flow.start_us) / 1e6)}
      </SortCell>
      <FlowState flow={flow} narrow={narrow} />
    </tr>
  );
}

/** The process of this host that has the flow. */
function FlowProcessOf({ flow, narrow }: Pick<RowProps, "flow" | "narrow">) {
  const process = readProcess(flow);
  if (process === undefined) return null;
  const name = process.name || process.user;
  return (
    <a
      class="plain sub clip"
      href={narrow(term(process.name === "" ? "user" : "process", name))}
      title={`Process: ${processText(process)}`}
    >
      {processName(process)}
    </a>
  );
}

function FlowState({ flow, narrow }: Pick<RowProps, "flow" | "narrow">) {
  if (flow.state === "open") {
    return (
      <td class="state-of">
        <a class="plain" href={narrow("state open")}>
          <b>open</b>
        </a>
      </td>
    );
  }
  const { conn_state: state, end_reason: endReason, proto } = flow;
  const words = `${state}: ${stateText(state, proto)}; ${endText(endReason, flow)}`;
  return (
    <td class="dim opt state-of" title={words}>
      <a class="plain" href={narrow(term("state", state))}>
        {endReason === "active" ? "goes on" : stateWord(state, proto)}
      </a>
      {flow.summed_flows ? <span class="sub">{counted(flow.summed_flows, "flow")}</span> : null}
    </td>
  );
}

interface EndProps extends Pick<RowProps, "flow" | "narrow" | "names"> {
  readonly side: "orig" | "resp";
}

/** One side: the name that it is spoken with by, or else that of the host, its address and port, and what was asked for. */
function FlowEnd({ flow, side, narrow, names }: EndProps) {
  const address = side === "orig" ? flow.orig_h : flow.resp_h;
  const port = side === "orig" ? flow.orig_p : flow.resp_p;
  const hasPort = hasPorts(flow.proto) && !(flow.summed_flows && port === 0);
  if (side === "orig" && isOfMany(flow)) {
    return <td class="ends dim">many sources</td>;
  }
  const { peer, asked } = namesOf(flow);
  const flowName = side === "resp" ? peer : "";
  const name = hostOfName(flowName) === address ? "" : flowName || (names[address] ?? "");
  const hostHref = narrow(term("host", address));
  return (
    <td
      class={side === "resp" ? "ends grow" : "ends"}
      data-l={side === "resp" ? "to" : undefined}
      title={`${name} ${address}`.trim()}
    >
      {name !== "" && name !== address && (
        <a class="plain clip" href={flowName === "" ? hostHref : narrow(term("name", flowName))}>
          {name}
        </a>
      )}
      <a class={name === "" || name === address ? "plain mono" : "plain mono sub"} href={hostHref}>
        <Address address={address} />
      </a>
      {hasPort && <a class="plain port mono" href={narrow(term("port", port))}>:{port}</a>}
      <PlaceMark address={address} narrow={narrow} />
      {side === "resp" && asked !== "" && (
        <span class="sub">
          for <a class="plain" href={narrow(term("name", asked))}>{asked}</a>
        </span>
      )}
    </td>
  );
}
