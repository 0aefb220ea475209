/** One host: with whom it talks, when, what is open now, what it offers and uses, what was found. */
import { page } from "fresh";
import { useContext } from "preact/hooks";
import type { FlowProcess, NameOrigin } from "../../agent/records.ts";
import { narrow, term } from "../../agent/search/edit.ts";
import type { DevicePeer, DeviceService } from "../../agent/store/device_queries.ts";
import { counted } from "../../agent/text/amounts.ts";
import { processName, processText } from "../../agent/text/processes.ts";
import { HostLink } from "../../components/Address.tsx";
import { type Clock, Facts } from "../../components/FindingPage.tsx";
import { FirstContactTable } from "../../components/FirstContactTable.tsx";
import { FleetNames, SeenByAgents } from "../../components/AgentName.tsx";
import { FlowSketch } from "../../components/FlowSketch.tsx";
import { FlowTable } from "../../components/FlowTable.tsx";
import { hostOfName } from "../../components/flow_text.ts";
import {
  bytesQuantity,
  formatBytes,
  formatCount,
  formatWhen,
  unparted,
} from "../../components/format.ts";
import { hoursOfDay, originTexts, serviceText, usualHours } from "../../components/host_text.ts";
import { Severity } from "../../components/Icon.tsx";
import { incidentPath } from "../../components/incidents.ts";
import { PacketsLink } from "../../components/PacketsLink.tsx";
import { Notice } from "../../components/Notice.tsx";
import type { Range } from "../../components/live_message.ts";
import { Moment } from "../../components/Moment.tsx";
import { momentHref, rangeQuery, rangeText } from "../../components/range_text.ts";
import { PlaceLine, PlaceMark } from "../../components/Place.tsx";
import { Stat } from "../../components/Stat.tsx";
import { pageNowUs } from "../../components/verdict.ts";
import { type HostPageData, readHostPage } from "../(_server)/host_pages.ts";
import { attempt } from "../(_server)/lists.ts";
import { decodedText } from "../(_server)/one_thing.ts";
import { askedRange, define, rangeOf } from "../(_server)/state.ts";

const peersShown = 50;

export const handler = define.handlers({
  async GET({ state, params, url }) {
    const asked = await attempt(() => askedRange(url), rangeOf(url));
    const range = asked.value;
    if (asked.error !== "") return page({ ...asked, value: null, range }, { status: 400 });
    const found = await attempt(() => readHostPage(state, decodedText(params.id), range), null);
    if (found.value) state.title = titleOf(found.value);
    const isMissing = found.value === null && found.error === "";
    return page({ ...found, range }, { status: isMissing ? 404 : found.status });
  },
});

export default define.page<typeof handler>(function HostPage({ data, state }) {
  if (data.error !== "") {
    const title = data.status === 400 ? "This cannot be shown" : "The database cannot be read";
    return <Notice title={title} detail={data.error} />;
  }
  if (data.value === null) return <HostMissing />;
  const clock: Clock & Shown = {
    nowUs: pageNowUs(state.message),
    zone: state.sensor.zone,
    range: data.range,
    when: rangeText(data.range, { nowUs: pageNowUs(state.message), zone: state.sensor.zone }),
  };
  const { host, open, knowsOpen, names_of, contacts } = data.value;
  return (
    <>
      <HostHead data={data.value} {...clock} />
      <HostNumbers data={data.value} {...clock} />
      <section class="panel c8">
        <header>
          <h2>Traffic</h2>
          <p>{clock.when}; received above the line, sent below</p>
        </header>
        <div class="body">
          <Traffic data={data.value} {...clock} />
        </div>
      </section>
      <div class="c4 stack">
        <Facts facts={factsOf(data.value, clock)} />
      </div>
      {state.agents === undefined && (
        <section class="panel c12" id="open">
          <header>
            <h2>Open now</h2>
            <p>
              {!knowsOpen
                ? "its connections could not be read in time; load the page again"
                : open.length === 0
                ? "no connection"
                : counted(open.length, "connection")}
            </p>
          </header>
          {open.length > 0 && (
            <div class="scroll">
              <FlowTable flows={open} names={names_of} {...clock} />
            </div>
          )}
        </section>
      )}
      <Processes data={data.value} {...clock} />
      <Peers data={data.value} {...clock} />
      {host.id !== null && (
        <>
          <Services data={data.value} isOffered {...clock} />
          <Services data={data.value} isOffered={false} {...clock} />
        </>
      )}
      <Incidents data={data.value} {...clock} />
      {contacts.length > 0 && (
        <section class="panel c12" id="new">
          <header>
            <h2>What is new</h2>
            <p>{clock.when}</p>
            <a class="end" href={`/hosts/new?device=${host.id}`}>All</a>
          </header>
          <div class="scroll">
            <FirstContactTable contacts={contacts} {...clock} />
          </div>
        </section>
      )}
    </>
  );
});

type Part = { readonly data: HostPageData };
interface Shown {
  readonly range: Range;
  readonly when: string;
}

/** The flows of a search in the page's range. */
function flowsHref(q: string, range: Range): string {
  const query = range.toUs === null ? new URLSearchParams() : rangeQuery(range);
  query.set("q", q);
  return `/flows?${query}`;
}

function titleOf({ host }: HostPageData): string {
  return host.name === "" ? host.address : `${host.name} (${host.address})`;
}

function HostHead({ data, nowUs, zone, range }: Part & Clock & Shown) {
  const { host, vendor, kind, q, packets, hours } = data;
  const isHub = useContext(FleetNames) !== null;
  const usual = usualHours(hours, zone);
  return (
    <div class="head">
      <div>
        <div class="meta">
          {host.severity !== "" && <Severity level={host.severity as "low"} />}
          <span>{host.is_local === 1 ? "own network" : "elsewhere"}</span>
          {kind !== "" && <span>{kind}</span>}
          {vendor !== "" && <span>{vendor}</span>}
          <span>last seen {formatWhen(host.last_seen_us, nowUs, zone)}</span>
        </div>
        <p class="lead">{titleOf(data)}</p>
        <PlaceLine address={host.address} />
        <SeenByAgents ids={data.agents} />
        {usual !== "" && <p>Usually active {usual}, judged by the last four weeks.</p>}
      </div>
      <div class="btns">
        <PacketsLink packets={packets} />
        <a class="btn" href={flowsHref(q, range)} aria-current="false">Flows</a>
        {!isHub && (
          <a
            class="btn"
            href={flowsHref(q, range).replace("/flows", "/packets")}
            aria-current="false"
          >
            Packet list
          </a>
        )}
        <a class="btn" href={`/?${overviewQuery(data, range)}`} aria-current="false">
          In the overview
        </a>
      </div>
    </div>
  );
}

/** The overview narrowed to the host. */
function overviewQuery({ host, q }: HostPageData, range: Range): URLSearchParams {
  const query = rangeQuery(range);
  query.set("q", host.addresses.length > 1 && host.mac !== "" ? term("mac", host.mac) : q);
  return query;
}

function HostNumbers(
  { data: { host, peers, bars, isPartial }, nowUs, zone, range, when }: Part & Clock & Shown,
) {
  const fresh = peers.filter((peer) => isFresh(peer, { range, nowUs })).length;
  const sum = (key: "received" | "sent") => bars.reduce((total, bar) => total + bar[key], 0);
  return (
    <section class="stats" aria-label="Host in numbers">
      <Stat
        label="Received"
        direction="in"
        quantity={bytesQuantity(sum("received"))}
        hint={`${formatBytes(host.in_bytes)} in all`}
      />
      <Stat
        label="Sent"
        direction="out"
        quantity={bytesQuantity(sum("sent"))}
        hint={`${formatBytes(host.out_bytes)} in all`}
      />
      <Stat
        label="Peers"
        quantity={{ value: formatCount(peers.length), unit: "" }}
        hint={`${when}${isPartial ? ", of the newest flows" : ""}`}
      />
      {host.id !== null && (
        <Stat
          label="New peers"
          quantity={{ value: formatCount(fresh), unit: "" }}
          hint={`first met ${range.toUs === null ? `in the ${when}` : when}`}
        />
      )}
      <Stat
        label="First seen"
        quantity={{ value: formatWhen(host.first_seen_us, nowUs, zone), unit: "" }}
        hint="in this database"
      />
    </section>
  );
}

function Traffic({ data: { bars, hours, host }, nowUs, zone }: Part & Clock) {
  const isQuiet = bars.every(({ received, sent }) => received + sent === 0);
  return (
    <>
      {isQuiet
        ? <p class="dim">No flow of it has ended in this time, nor was five minutes long.</p>
        : <FlowSketch buckets={bars} nowUs={nowUs} zone={zone} />}
      {host.id !== null && <HoursOfDay usual={hoursOfDay(hours, zone)} />}
    </>
  );
}

/** 24 columns, as high as its usual hour. */
function HoursOfDay({ usual }: { usual: readonly number[] }) {
  const most = Math.max(1, ...usual);
  const busiest = usual.indexOf(most);
  const clock = (hour: number) => `${String(hour).padStart(2, "0")}:00`;
  const label = most === 1
    ? "No hour of the day usually has traffic."
    : `Usual bytes of each hour of the day, the median of the days; most from ${
      clock(busiest)
    } to ${clock(busiest + 1)}, ${formatBytes(most)}.`;
  return (
    <>
      <svg
        class="hours"
        viewBox="0 0 240 30"
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        {usual.map((bytes, hour) => (
          <rect
            key={hour}
            x={hour * 10}
            width="9"
            y={30 - 30 * bytes / most}
            height={30 * bytes / most}
          />
        ))}
      </svg>
      <p class="ends-of">
        <span>00:00</span>
        <span class="dim">{label}</span>
        <span>24:00</span>
      </p>
    </>
  );
}

function factsOf({ host, addresses, names, vendor, kind }: HostPageData, { nowUs, zone }: Clock) {
  const shown = addresses.map(({ address }) => address).filter((one) => one !== host.address);
  return [
    { term: "Address", text: host.address },
    { term: "Also", text: shown.slice(0, 12).join(", ") },
    { term: "", text: shown.length > 12 ? `and ${formatCount(shown.length - 12)} more` : "" },
    {
      term: "MAC address",
      text: host.mac,
      href: `/flows?q=${encodeURIComponent(`mac ${host.mac}`)}`,
    },
    { term: "Vendor", text: vendor },
    { term: "Kind", text: kind },
    ...names.map(({ name, origin }, index) => ({
      term: index === 0 ? "Names" : "",
      text: `${name}: ${originTexts[origin as NameOrigin] ?? origin}`,
      href: `/flows?${new URLSearchParams({ q: term("name", name) })}`,
    })),
    {
      term: "First seen",
      text: formatWhen(host.first_seen_us, nowUs, zone),
      href: momentHref(host.first_seen_us),
    },
    {
      term: "Last seen",
      text: formatWhen(host.last_seen_us, nowUs, zone),
      href: momentHref(host.last_seen_us),
    },
  ];
}

/** Met for the first time within the range. */
function isFresh(
  { is_new, first_us }: Pick<DevicePeer, "is_new" | "first_us">,
  { range: { toUs, spanS }, nowUs }: { readonly range: Range; readonly nowUs: number },
): boolean {
  const endUs = toUs ?? nowUs;
  return is_new === 1 && first_us !== null && first_us > endUs - spanS * 1e6 &&
    (toUs === null || first_us < toUs);
}

function Processes({ data: { processes, q }, nowUs, zone }: Part & Clock) {
  const isHub = useContext(FleetNames) !== null;
  if (processes.length === 0) return null;
  return (
    <section class="panel c12" id="processes">
      <header>
        <h2>Processes</h2>
        <p>
          {isHub ? "of the agents' own hosts" : "of the host where tapwatch runs"}, behind the
          newest flows
        </p>
      </header>
      <div class="scroll">
        <table class="tbl cards duo">
          <thead>
            <tr>
              <th scope="col">Process</th>
              <th scope="col" class="num">Flows</th>
              <th scope="col" class="num">Bytes</th>
              <th scope="col" class="num">Last</th>
            </tr>
          </thead>
          <tbody>
            {processes.map(({ process, flows, bytes, lastUs }) => (
              <tr key={`${process.name} ${process.user} ${process.unit}`}>
                <td class="grow" title={processText(process)}>
                  <a class="plain" href={processLink(process, q)}>{processName(process)}</a>
                  {process.unit !== "" && <span class="sub">{process.unit}</span>}
                  {process.executable !== "" && <span class="sub">{process.executable}</span>}
                </td>
                <td class="num" data-l="flows">{formatCount(flows)}</td>
                <td class="num" data-l="bytes">{formatBytes(bytes)}</td>
                <td class="num dim opt">
                  <Moment tsUs={lastUs} nowUs={nowUs} zone={zone} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function processLink({ name, user }: FlowProcess, q: string): string {
  const which = name === "" ? term("user", user) : term("process", name);
  return `/flows?${new URLSearchParams({ q: `(${q}) and ${which}` })}`;
}

function Peers(
  { data: { peers, names_of, isPartial, host, q }, nowUs, zone, range, when }:
    & Part
    & Clock
    & Shown,
) {
  const shown = peers.slice(0, peersShown);
  return (
    <section class="panel c12" id="peers">
      <header>
        <h2>Peers</h2>
        <p>
          by bytes, {when}
          {isPartial && ", of the newest flows"}
        </p>
      </header>
      {shown.length === 0
        ? <p class="body dim">No flow of it has ended in this time.</p>
        : (
          <div class="scroll">
            <table class="tbl cards duo">
              <thead>
                <tr>
                  <th scope="col">Peer</th>
                  <th scope="col" class="num">Received</th>
                  <th scope="col" class="num">Sent</th>
                  <th scope="col" class="num">Flows</th>
                  {host.id !== null && <th scope="col" class="num">First contact</th>}
                  <th scope="col" class="num">Last contact</th>
                </tr>
              </thead>
              <tbody>
                {shown.map((peer) => (
                  <tr key={peer.peer}>
                    <td class="grow">
                      <HostLink
                        address={peer.peer}
                        name={peerName(peer.name, peer.peer) || (names_of[peer.peer] ?? "")}
                      />{" "}
                      <PlaceMark address={peer.peer} />
                    </td>
                    <td class="num" data-l="received">{formatBytes(peer.in_bytes)}</td>
                    <td class="num" data-l="sent">{formatBytes(peer.out_bytes)}</td>
                    <td class="num opt">
                      <a
                        class="plain"
                        href={flowsHref(narrow(q, term("host", peer.peer), "flows"), range)}
                        title="Flows between them"
                        aria-current="false"
                      >
                        {formatCount(peer.flows)}
                      </a>
                    </td>
                    {host.id !== null && (
                      <td
                        class={isFresh(peer, { range, nowUs }) ? "num" : "num dim opt"}
                        data-l="first"
                      >
                        {isFresh(peer, { range, nowUs }) && <b>new,</b>}{" "}
                        {peer.first_us !== null && (
                          <Moment tsUs={peer.first_us} nowUs={nowUs} zone={zone} />
                        )}
                      </td>
                    )}
                    <td class="num dim opt">
                      <Moment tsUs={peer.last_us} nowUs={nowUs} zone={zone} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      {peers.length > shown.length && (
        <p class="note">{shown.length} of {formatCount(peers.length)} peers are shown.</p>
      )}
    </section>
  );
}

/** The name that a peer is spoken with by; "" where that is its address. */
function peerName(name: string, address: string): string {
  const host = hostOfName(name);
  return host === address ? "" : host;
}

function Services(
  { data: { services, q }, isOffered, ...clock }: Part & Clock & Shown & {
    readonly isOffered: boolean;
  },
) {
  const own = services.filter(({ is_offered }) => (is_offered === 1) === isOffered);
  const shown = own.slice(0, peersShown);
  return (
    <section class="panel c6">
      <header>
        <h2>{isOffered ? "Services offered" : "Services used"}</h2>
        <p>{isOffered ? "where it answered as a server" : "where a server answered it"}</p>
      </header>
      {shown.length === 0 ? <p class="body dim">None was seen.</p> : (
        <div class="scroll">
          <table class="tbl">
            <thead>
              <tr>
                <th scope="col">Service</th>
                <th scope="col" class="num">First</th>
                <th scope="col" class="num">Last</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((service) => (
                <ServiceRow
                  key={`${service.proto}${service.port}`}
                  service={service}
                  q={q}
                  {...clock}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {own.length > shown.length && (
        <p class="note">{shown.length} of {formatCount(own.length)} are shown.</p>
      )}
    </section>
  );
}

function ServiceRow(
  { service, q, nowUs, zone, range }: Clock & Shown & {
    readonly service: DeviceService;
    readonly q: string;
  },
) {
  const { proto, port, first_us, last_us } = service;
  const isNew = isFresh(service, { range, nowUs });
  const flows = narrow(q, `proto ${proto} and dport ${port}`, "flows");
  return (
    <tr>
      <td class="grow">
        <a class="plain" href={flowsHref(flows, range)} aria-current="false">
          {serviceText(proto, port, service.service)}
        </a>
      </td>
      <td class="num dim">
        {isNew && <b>new,</b>} <Moment tsUs={first_us} nowUs={nowUs} zone={zone} />
      </td>
      <td class="num dim">
        <Moment tsUs={last_us} nowUs={nowUs} zone={zone} />
      </td>
    </tr>
  );
}

function Incidents({ data: { incidents }, nowUs, zone }: Part & Clock) {
  return (
    <section class="panel c12" id="incidents">
      <header>
        <h2>Incidents</h2>
        <p>{incidents.length === 0 ? "none that names it" : "that name it, newest first"}</p>
      </header>
      {incidents.length > 0 && (
        <div class="scroll">
          <table class="tbl cards episodes">
            <thead>
              <tr>
                <th scope="col">Began</th>
                <th scope="col">Severity</th>
                <th scope="col">What happened</th>
              </tr>
            </thead>
            <tbody>
              {incidents.map((incident) => (
                <tr key={incident.id}>
                  <td class="dim time">
                    <Moment tsUs={incident.firstUs} nowUs={nowUs} zone={zone} />
                  </td>
                  <td class="level">
                    <Severity level={incident.severity} />
                  </td>
                  <td class="grow w2" title={incident.headline}>
                    <a class="plain" href={incidentPath(incident)}>{unparted(incident.headline)}</a>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function HostMissing() {
  const isHub = useContext(FleetNames) !== null;
  return (
    <section class="panel c12">
      <div class="state">
        <h2>This host has not been seen</h2>
        <p>
          {isHub
            ? "A hub lists the hosts of the agents' own networks; others are in flows and incidents."
            : "Hosts that were quiet for long are deleted with the rest of the history."}
        </p>
        <div class="btns">
          <a class="btn main" href="/hosts" aria-current="false">All hosts</a>
          <a class="btn" href="/" aria-current="false">Overview</a>
        </div>
      </div>
    </section>
  );
}
