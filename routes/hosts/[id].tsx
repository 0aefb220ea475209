/** One host: with whom it talks, when, what is open now, what it offers and uses, what was found. */
import { page } from "fresh";
import type { NameOrigin } from "../../agent/records.ts";
import type { DevicePeer, DeviceService } from "../../agent/store/device_queries.ts";
import { counted } from "../../agent/text/amounts.ts";
import { HostLink } from "../../components/Address.tsx";
import { type Clock, Facts } from "../../components/FindingPage.tsx";
import { FirstContactTable } from "../../components/FirstContactTable.tsx";
import { FlowSketch } from "../../components/FlowSketch.tsx";
import { FlowTable } from "../../components/FlowTable.tsx";
import { bytesQuantity, formatBytes, formatCount, formatWhen } from "../../components/format.ts";
import { hoursOfDay, originTexts, serviceText, usualHours } from "../../components/host_text.ts";
import { Severity } from "../../components/Icon.tsx";
import { incidentPath } from "../../components/incidents.ts";
import { PacketsLink } from "../../components/PacketsLink.tsx";
import { Notice } from "../../components/Notice.tsx";
import { PlaceLine, PlaceMark } from "../../components/Place.tsx";
import { Stat } from "../../components/Stat.tsx";
import { pageNowUs } from "../../components/verdict.ts";
import { hostDays, type HostPageData, readHostPage } from "../(_server)/host_pages.ts";
import { attempt } from "../(_server)/lists.ts";
import { decodedText } from "../(_server)/one_thing.ts";
import { checkNames } from "../(_server)/parameters.ts";
import { define } from "../(_server)/state.ts";

const hourUs = 3_600_000_000;
const dayUs = 24 * hourUs;
const peersShown = 50;

export const handler = define.handlers({
  async GET({ state, params, url }) {
    checkNames(url.searchParams, []);
    const found = await attempt(() => readHostPage(state, decodedText(params.id)), null);
    if (found.value) state.title = titleOf(found.value);
    const isMissing = found.value === null && found.error === "";
    return page(found, { status: isMissing ? 404 : found.status });
  },
});

export default define.page<typeof handler>(function HostPage({ data, state }) {
  if (data.error !== "") {
    return <Notice title="The database cannot be read" detail={data.error} />;
  }
  if (data.value === null) return <HostMissing />;
  const clock: Clock = { nowUs: pageNowUs(state.message), zone: state.sensor.zone };
  const { host, open, names_of, contacts } = data.value;
  return (
    <>
      <HostHead data={data.value} {...clock} />
      <HostNumbers data={data.value} {...clock} />
      {host.id !== null && (
        <section class="panel c8">
          <header>
            <h2>Traffic of the last {hostDays} days</h2>
            <p>a bar an hour; sent above the line, received below</p>
          </header>
          <div class="body">
            <Traffic data={data.value} {...clock} />
          </div>
        </section>
      )}
      <div class={host.id === null ? "c12 stack" : "c4 stack"}>
        <Facts facts={factsOf(data.value, clock)} />
      </div>
      <section class="panel c12" id="open">
        <header>
          <h2>Open now</h2>
          <p>{open.length === 0 ? "no connection" : counted(open.length, "connection")}</p>
        </header>
        {open.length > 0 && (
          <div class="scroll">
            <FlowTable flows={open} names={names_of} {...clock} />
          </div>
        )}
      </section>
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
            <h2>For the first time</h2>
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

function titleOf({ host }: HostPageData): string {
  return host.name === "" ? host.address : `${host.name} (${host.address})`;
}

function HostHead({ data, nowUs, zone }: Part & Clock) {
  const { host, vendor, kind, q, packets, hours } = data;
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
        {usual !== "" && <p>Usually active {usual}, by the last four weeks.</p>}
      </div>
      <div class="btns">
        <PacketsLink packets={packets} />
        <a class="btn" href={`/flows?${new URLSearchParams({ q })}`} aria-current="false">Flows</a>
        <a class="btn" href={`/packets?${new URLSearchParams({ q })}`} aria-current="false">
          Packet list
        </a>
      </div>
    </div>
  );
}

function HostNumbers({ data: { host, peers, isPartial }, nowUs, zone }: Part & Clock) {
  const fresh = peers.filter((peer) => isFresh(peer, nowUs)).length;
  return (
    <section class="stats" aria-label="Host in numbers">
      <Stat
        label="Received"
        direction="in"
        quantity={bytesQuantity(host.in_bytes)}
        hint={`${formatCount(host.in_packets)} packets since it was first seen`}
      />
      <Stat
        label="Sent"
        direction="out"
        quantity={bytesQuantity(host.out_bytes)}
        hint={`${formatCount(host.out_packets)} packets`}
      />
      <Stat
        label="Peers"
        quantity={{ value: formatCount(peers.length), unit: "" }}
        hint={`in the last ${hostDays} days${isPartial ? ", of the newest flows" : ""}`}
      />
      {host.id !== null && (
        <Stat
          label="New peers"
          quantity={{ value: formatCount(fresh), unit: "" }}
          hint={`met for the first time in the last ${hostDays} days`}
        />
      )}
      <Stat
        label="First seen"
        quantity={{ value: formatWhen(host.first_seen_us, nowUs, zone), unit: "" }}
        hint="by this database"
      />
    </section>
  );
}

function Traffic({ data: { hours }, nowUs, zone }: Part & Clock) {
  const recent = hours.filter(({ hour_us }) => hour_us > nowUs - hostDays * dayUs);
  if (recent.length === 0) return <p class="dim">No traffic in the last {hostDays} days.</p>;
  // The whole time, with or without traffic.
  const none = { sent: 0, received: 0 };
  const startUs = Math.floor((nowUs - hostDays * dayUs) / hourUs) * hourUs;
  const endUs = Math.floor(nowUs / hourUs) * hourUs;
  const edges = [startUs, endUs].map((fromUs) => ({ fromUs, toUs: fromUs + hourUs, ...none }));
  const hourly = recent.map(({ hour_us, in_bytes, out_bytes }) => ({
    fromUs: hour_us,
    toUs: hour_us + hourUs,
    sent: out_bytes,
    received: in_bytes,
  }));
  return (
    <>
      <FlowSketch buckets={[edges[0]!, ...hourly, edges[1]!]} nowUs={nowUs} zone={zone} />
      <HoursOfDay averages={hoursOfDay(hours, zone)} />
    </>
  );
}

/** 24 columns, as high as its average hour. */
function HoursOfDay({ averages }: { averages: readonly number[] }) {
  const most = Math.max(1, ...averages);
  const busiest = averages.indexOf(most);
  const label = most === 1
    ? "No hour of the day has traffic."
    : `Average bytes of each hour of the day; most from ${busiest}:00 to ${busiest + 1}:00, ${
      formatBytes(most)
    }.`;
  return (
    <>
      <svg
        class="hours"
        viewBox="0 0 240 30"
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        {averages.map((bytes, hour) => (
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
    { term: "MAC address", text: host.mac },
    { term: "Vendor", text: vendor },
    { term: "Kind", text: kind },
    ...names.map(({ name, origin }, index) => ({
      term: index === 0 ? "Names" : "",
      text: `${name}: ${originTexts[origin as NameOrigin] ?? origin}`,
    })),
    { term: "First seen", text: formatWhen(host.first_seen_us, nowUs, zone) },
    { term: "Last seen", text: formatWhen(host.last_seen_us, nowUs, zone) },
  ];
}

function isFresh({ is_new, first_us }: DevicePeer, nowUs: number): boolean {
  return is_new === 1 && first_us !== null && first_us > nowUs - hostDays * dayUs;
}

function Peers({ data: { peers, names_of, isPartial, host }, nowUs, zone }: Part & Clock) {
  const shown = peers.slice(0, peersShown);
  return (
    <section class="panel c12" id="peers">
      <header>
        <h2>Peers</h2>
        <p>
          by bytes, in the last {hostDays} days{isPartial && ", of the newest flows"}
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
                        name={peer.name || (names_of[peer.peer] ?? "")}
                      />{" "}
                      <PlaceMark address={peer.peer} />
                    </td>
                    <td class="num" data-l="received">{formatBytes(peer.in_bytes)}</td>
                    <td class="num" data-l="sent">{formatBytes(peer.out_bytes)}</td>
                    <td class="num opt">{formatCount(peer.flows)}</td>
                    {host.id !== null && (
                      <td class={isFresh(peer, nowUs) ? "num" : "num dim opt"} data-l="first">
                        {isFresh(peer, nowUs) && <b>new,</b>}{" "}
                        {peer.first_us !== null && formatWhen(peer.first_us, nowUs, zone)}
                      </td>
                    )}
                    <td class="num dim opt">{formatWhen(peer.last_us, nowUs, zone)}</td>
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

function Services(
  { data: { services }, isOffered, nowUs, zone }: Part & Clock & { readonly isOffered: boolean },
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
                  nowUs={nowUs}
                  zone={zone}
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

function ServiceRow({ service, nowUs, zone }: Clock & { readonly service: DeviceService }) {
  const { proto, port, first_us, last_us, is_new } = service;
  const isNew = is_new === 1 && first_us > nowUs - hostDays * dayUs;
  return (
    <tr>
      <td class="grow">{serviceText(proto, port, service.service)}</td>
      <td class="num dim">
        {isNew && <b>new,</b>} {formatWhen(first_us, nowUs, zone)}
      </td>
      <td class="num dim">{formatWhen(last_us, nowUs, zone)}</td>
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
        <div class="body">
          <ul class="links">
            {incidents.map((incident) => (
              <li key={incident.id}>
                <Severity level={incident.severity} />{" "}
                <a href={incidentPath(incident)}>{incident.headline}</a>{" "}
                <span class="dim">{formatWhen(incident.firstUs, nowUs, zone)}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}

function HostMissing() {
  return (
    <section class="panel c12">
      <div class="state">
        <h2>This host has not been seen</h2>
        <p>Hosts that were quiet for long are deleted with the rest of the history.</p>
        <div class="btns">
          <a class="btn main" href="/hosts" aria-current="false">All hosts</a>
          <a class="btn" href="/" aria-current="false">Overview</a>
        </div>
      </div>
    </section>
  );
}
