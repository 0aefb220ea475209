/** One flow: who with whom, how much and when, how it went, its packets, its findings, and flows like it. */
import { hasPorts } from "../../agent/records.ts";
import { term } from "../../agent/search/edit.ts";
import { readProcess } from "../../agent/text/processes.ts";
import { type OfAgent, OwnPage, SeenBy } from "../../components/AgentName.tsx";
import { FlowSketch } from "../../components/FlowSketch.tsx";
import { FlowTable } from "../../components/FlowTable.tsx";
import { HostLink } from "../../components/Address.tsx";
import { type Clock, Facts } from "../../components/FindingPage.tsx";
import { findingPath } from "../../components/findings.ts";
import { endText, historySteps, isOfMany, namesOf, stateText } from "../../components/flow_text.ts";
import { spanText } from "../../components/finding_text.ts";
import { counted } from "../../agent/text/amounts.ts";
import {
  bytesQuantity,
  formatCount,
  formatDuration,
  formatSecond,
} from "../../components/format.ts";
import { Icon, Severity } from "../../components/Icon.tsx";
import { Notice } from "../../components/Notice.tsx";
import { PacketsLink } from "../../components/PacketsLink.tsx";
import { PacketTable } from "../../components/PacketTable.tsx";
import { momentHref } from "../../components/range_text.ts";
import { PlaceLine } from "../../components/Place.tsx";
import { ProcessNote } from "../../components/ProcessNote.tsx";
import { protocolLabel } from "../../components/protocol_groups.ts";
import { Stat } from "../../components/Stat.tsx";
import { pageNowUs } from "../../components/verdict.ts";
import {
  type FlowPageData,
  likeThis,
  packetSearch,
  readFlowPageData,
} from "../(_server)/flow_pages.ts";
import { idOf, onePage } from "../(_server)/one_thing.ts";
import { checkNames } from "../(_server)/parameters.ts";
import { define } from "../(_server)/state.ts";

export const handler = define.handlers({
  async GET({ state, params, url }) {
    checkNames(url.searchParams, []);
    const id = idOf(params.id);
    return await onePage(
      state,
      () => id === null ? Promise.resolve(null) : readFlowPageData(state, id),
      titleOf,
    );
  },
});

export default define.page<typeof handler>(function FlowPage({ data, state }) {
  if (data.error !== "") {
    return <Notice title="The database cannot be read" detail={data.error} />;
  }
  if (data.value === null) return <FlowMissing />;
  const clock: Clock = { nowUs: pageNowUs(state.message), zone: state.sensor.zone };
  const { pieces, packets, buckets } = data.value;
  const isHub = state.agents !== undefined;
  return (
    <>
      <FlowHead data={data.value} {...clock} />
      <FlowPath data={data.value} />
      <FlowNumbers data={data.value} />
      <div class="c8 stack">
        {!isHub && (
          <section class="panel">
            <header>
              <h2>Both directions over time</h2>
              <p>
                {pieces.length > 1
                  ? "a bar for every five minutes of it"
                  : "from its stored packets"}
              </p>
            </header>
            <div class="body">
              {buckets.length > 0
                ? <FlowSketch buckets={buckets} {...clock} />
                : <p class="dim">Too few of its packets are stored for a chart.</p>}
            </div>
          </section>
        )}
        <History data={data.value} />
      </div>
      <div class="c4 stack">
        <LikeThis data={data.value} />
        <FlowFindings data={data.value} />
      </div>
      <div class="c12">
        <Facts isWide facts={factsOf(data.value, clock)} />
      </div>
      {pieces.length > 1 && (
        <section class="panel c12">
          <header>
            <h2>Its rows</h2>
            <p>a long flow has one every five minutes; they add up to the numbers above</p>
          </header>
          <div class="scroll">
            <FlowTable flows={pieces.toReversed()} names={data.value.names} {...clock} />
          </div>
        </section>
      )}
      {!isHub && (
        <section class="panel c12" id="packets">
          <header>
            <h2>Packets</h2>
            <p>{packetsText(data.value)}</p>
            <a class="end" href={packetsHref(data.value.flow)}>Open in Packets</a>
          </header>
          {packets.length > 0
            ? (
              <div class="scroll">
                <PacketTable rows={packets} zone={clock.zone} />
              </div>
            )
            : <p class="body dim">No packet rows of it are stored (see --log-packets).</p>}
        </section>
      )}
    </>
  );
});

type Part = { readonly data: FlowPageData };

function packetsHref(flow: FlowPageData["flow"]): string {
  const query = new URLSearchParams({ q: packetSearch(flow) });
  if (flow.summed_flows) {
    query.set("from", String(flow.start_us));
    query.set("to", String(flow.end_us + 1));
  }
  return `/packets?${query}`;
}

function titleOf({ flow, names }: FlowPageData): string {
  const name = (address: string) => names[address] ?? address;
  const { peer, asked } = namesOf(flow);
  const what = `${protocolLabel(flow.service || flow.proto)} ${asked}`.trim();
  const from = isOfMany(flow) ? "Many sources" : name(flow.orig_h);
  return `${from} to ${peer || name(flow.resp_h)}, ${what}`;
}

function FlowHead({ data, nowUs, zone }: Part & Clock) {
  const { whole, flow } = data;
  const { agent } = flow as OfAgent;
  const q = term("community", flow.community_id);
  const isOpen = whole.state === "open";
  return (
    <div class="head">
      <div>
        <div class="meta">
          <span>
            {spanText({ firstUs: whole.start_us, lastUs: whole.end_us }, nowUs, zone)}
          </span>
          <span>{isOpen ? <b>open</b> : stateText(whole.conn_state, flow.proto)}</span>
        </div>
        <p class="lead">{titleOf(data)}</p>
        <ProcessNote process={readProcess(whole)} class="of" />
        <SeenBy agent={agent} />
      </div>
      <div class="btns">
        <PacketsLink packets={data.export} />
        {agent !== undefined && flow.community_id !== "" && (
          <OwnPage id={agent} path={`/flows?${new URLSearchParams({ q })}`}>
            On its agent's dashboard
          </OwnPage>
        )}
      </div>
    </div>
  );
}

function FlowPath({ data: { flow, names } }: Part) {
  const isOfPorts = hasPorts(flow.proto);
  return (
    <section class="c12 path" aria-label="Who with whom">
      <div class="node">
        {isOfMany(flow)
          ? <div class="dim">many sources</div>
          : <HostLink address={flow.orig_h} name={names[flow.orig_h] ?? ""} />}
        <PlaceLine address={flow.orig_h} />
        {isOfPorts && !flow.summed_flows && (
          <div class="faint">
            from <SearchLink field="port" value={flow.orig_p} text={`port ${flow.orig_p}`} />
          </div>
        )}
      </div>
      <div class="arrow">
        <span>
          <SearchLink
            field={flow.service ? "service" : "proto"}
            value={flow.service || flow.proto}
            text={protocolLabel(flow.service || flow.proto)}
          />
        </span>
        <svg aria-hidden="true">
          <line x1="0" x2="100%" y1="6" y2="6" />
          <svg x="100%" overflow="visible">
            <path d="M0 6l-9-5v10z" />
          </svg>
        </svg>
        <span>
          {flow.name !== "" && <SearchLink field="name" value={flow.name} text={flow.name} />}
        </span>
        <Icon name="down" class="narrow" />
      </div>
      <div class="node">
        <HostLink address={flow.resp_h} name={names[flow.resp_h] ?? ""} />
        <PlaceLine address={flow.resp_h} />
        {isOfPorts && (
          <div class="faint">
            {flow.summed_flows && flow.resp_p === 0
              ? "many ports"
              : <SearchLink field="port" value={flow.resp_p} text={`port ${flow.resp_p}`} />}
          </div>
        )}
      </div>
    </section>
  );
}

interface SearchLinkProps {
  readonly field: string;
  readonly value: string | number;
  readonly text: string;
}

/** Flows that have the same. */
function SearchLink({ field, value, text }: SearchLinkProps) {
  return (
    <a class="plain" href={searchHref(field, value)} aria-current="false">
      {text}
    </a>
  );
}

function searchHref(field: string, value: string | number): string {
  return `/flows?${new URLSearchParams({ q: term(field, value) })}`;
}

function FlowNumbers({ data: { whole } }: Part) {
  const lastedS = (whole.end_us - whole.start_us) / 1e6;
  const retransmissions = whole.orig_retransmissions + whole.resp_retransmissions;
  const packets = whole.orig_pkts + whole.resp_pkts;
  const isTcp = whole.proto === "tcp";
  return (
    <section class="stats" aria-label="Flow in numbers">
      <Stat
        label="Sent"
        quantity={bytesQuantity(whole.orig_wire_bytes)}
        hint={`${counted(whole.orig_pkts, "packet")} from the originator`}
      />
      <Stat
        label="Received"
        quantity={bytesQuantity(whole.resp_wire_bytes)}
        hint={`${counted(whole.resp_pkts, "packet")} from the responder`}
      />
      <Stat
        label="Lasted"
        quantity={{ value: formatDuration(lastedS), unit: "" }}
        hint={whole.state === "open" ? "so far" : endText(whole.end_reason, whole)}
      />
      <Stat
        label="Round trip"
        quantity={whole.rtt_us === null ? null : { value: milliseconds(whole.rtt_us), unit: "ms" }}
        hint={isTcp ? "from the request to its answer (SYN, SYN and ACK)" : "known of TCP alone"}
      />
      <Stat
        label="Sent again"
        quantity={isTcp ? { value: formatCount(retransmissions), unit: "" } : null}
        hint={isTcp ? `of ${counted(packets, "packet")}` : "known of TCP alone"}
      />
    </section>
  );
}

function milliseconds(us: number): string {
  if (us < 1000) return (us / 1000).toFixed(3);
  return us >= 100_000 ? String(Math.round(us / 1000)) : (us / 1000).toPrecision(3);
}

function LikeThis({ data: { flow } }: Part) {
  return (
    <section class="panel">
      <header>
        <h2>Flows like this one</h2>
      </header>
      <div class="body">
        <ul class="links">
          {likeThis(flow).map(({ label, href }) => (
            <li key={label}>
              <a href={href}>{label}</a>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

function FlowFindings({ data: { findings } }: Part) {
  return (
    <section class="panel">
      <header>
        <h2>Findings</h2>
        <p>about its hosts, while it lasted</p>
      </header>
      <div class="body">
        {findings.length === 0 ? <p class="dim">None.</p> : (
          <ul class="links">
            {findings.map(({ finding, isEvidence }) => (
              <li key={findingPath(finding)}>
                <Severity level={finding.severity} />{" "}
                <a href={findingPath(finding)}>{finding.reason}</a>
                {isEvidence && <p class="dim">This flow is evidence of it.</p>}
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

function History({ data: { whole, flow } }: Part) {
  const steps = historySteps(whole.history);
  return (
    <section class="panel">
      <header>
        <h2>How it went</h2>
        <p>
          state <span class="mono">{whole.conn_state}</span>, history{" "}
          <span class="mono">{whole.history || "none"}</span>
        </p>
      </header>
      <div class="body">
        <p>{sentence(stateText(whole.conn_state, flow.proto))}</p>
        {steps.length > 0 && (
          <ol class="steps">{steps.map((step, index) => <li key={index}>{step}</li>)}</ol>
        )}
      </div>
    </section>
  );
}

function sentence(text: string): string {
  return text === "" ? "" : `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

function factsOf({ whole, flow }: FlowPageData, { nowUs, zone }: Clock) {
  return [
    { term: "Transport", text: protocolLabel(flow.proto), href: searchHref("proto", flow.proto) },
    {
      term: "Service",
      text: flow.service === "" ? "" : protocolLabel(flow.service),
      href: searchHref("service", flow.service),
    },
    { term: "Name", text: flow.name, href: searchHref("name", flow.name) },
    { term: "JA4", text: flow.ja4, href: searchHref("ja4", flow.ja4) },
    { term: "Process", text: flow.process ?? "" },
    { term: "Process ID", text: flow.pid === null ? "" : String(flow.pid) },
    { term: "Program", text: flow.executable ?? "" },
    { term: "Command", text: flow.command ?? "" },
    { term: "User", text: flow.user ?? "" },
    { term: "Unit or container", text: flow.unit ?? "" },
    {
      term: "Community ID",
      text: flow.community_id,
      href: searchHref("community", flow.community_id),
    },
    {
      term: "First packet",
      text: formatSecond(whole.start_us, nowUs, zone),
      href: momentHref(whole.start_us),
    },
    {
      term: "Last packet",
      text: formatSecond(whole.end_us, nowUs, zone),
      href: momentHref(whole.end_us),
    },
    {
      term: "Payload",
      text: `${formatCount(whole.orig_bytes)} bytes sent, ${
        formatCount(whole.resp_bytes)
      } received`,
    },
    {
      term: "Sent again",
      text: flow.proto === "tcp"
        ? `${formatCount(whole.orig_retransmissions)} by the originator, ${
          formatCount(whole.resp_retransmissions)
        } by the responder`
        : "",
    },
    { term: "Flows", text: flow.summed_flows ? formatCount(flow.summed_flows) : "" },
    { term: "End", text: endText(whole.end_reason, whole) },
    { term: "VLAN", text: flow.vlan_id === null ? "" : String(flow.vlan_id) },
    {
      term: "Interface",
      text: String(flow.interface_id),
      href: searchHref("interface", flow.interface_id),
    },
  ];
}

function packetsText({ packets, hasMorePackets }: FlowPageData): string {
  if (packets.length === 0) return "";
  return hasMorePackets
    ? `the newest ${formatCount(packets.length)} of those that are stored`
    : `${formatCount(packets.length)} stored`;
}

function FlowMissing() {
  return (
    <section class="panel c12">
      <div class="state">
        <h2>There is no flow with this number</h2>
        <p>
          Old ones are deleted with the rest of the history. Of a flood that nothing answers,{" "}
          <a href="/flows?q=end+summed">most flows share a row</a>.
        </p>
        <div class="btns">
          <a class="btn main" href="/flows" aria-current="false">All flows</a>
          <a class="btn" href="/" aria-current="false">Overview</a>
        </div>
      </div>
    </section>
  );
}
