/** What the pages of an incident, a scan and an anomaly share: head, who to whom, what to do, linked flows. */
import type { ComponentChildren } from "preact";
import { useContext } from "preact/hooks";
import type { Finding } from "../agent/records.ts";
import type { StoredFlow } from "../agent/store/schema.ts";
import { adviceFor } from "../agent/text/advice.ts";
import type { BothEnds, Ends } from "../agent/finding_ends.ts";
import { HostLink } from "./Address.tsx";
import { FleetNames } from "./AgentName.tsx";
import { hostCount, openText, spanText } from "./finding_text.ts";
import { FlowTable } from "./FlowTable.tsx";
import { formatCount, unparted } from "./format.ts";
import { PacketsLink, type PacketsShown } from "./PacketsLink.tsx";
import { Icon, Severity } from "./Icon.tsx";
import { PlaceLine } from "./Place.tsx";

/** Names of hosts by address; addresses without a name are missing. */
export type Names = Readonly<Record<string, string>>;

export interface Clock {
  readonly nowUs: number;
  readonly zone: string;
}

/** As much of a finding, or of an incident, as these parts need. */
export type Told =
  & Pick<Finding, "severity" | "sources" | "sourceCount" | "targets" | "anomaly">
  & Pick<Finding, "firstUs" | "lastUs" | "isOpen">;

interface HeadProps extends Clock {
  readonly finding: Told;
  /** The sentence that says it all. */
  readonly lead: string;
  /** Below it. */
  readonly notes?: ComponentChildren;
  readonly packets: PacketsShown;
  /** Takes the place of the lists' buttons, which its page has elsewhere. */
  readonly mainButton?: ComponentChildren;
  /** Further buttons. */
  readonly children?: ComponentChildren;
}

export function FindingHead(
  { finding, lead, notes, packets, mainButton, nowUs, zone, children }: HeadProps,
) {
  const isHub = useContext(FleetNames) !== null;
  return (
    <div class="head">
      <div>
        <div class="meta">
          <Severity level={finding.severity} />
          <span>{spanText(finding, nowUs, zone)}</span>
          <span>
            {finding.isOpen ? <b>{openText((nowUs - finding.lastUs) / 1e6)}</b> : "ended"}
          </span>
        </div>
        <p class="lead">{unparted(lead)}</p>
        {notes}
      </div>
      <div class="btns">
        {mainButton}
        <PacketsLink packets={packets} isMain={!mainButton} />
        {!mainButton && (
          <>
            <a class="btn" href={flowsLink(finding)}>Flows</a>
            {!isHub && <a class="btn" href={packetsLink(finding)}>Packet list</a>}
          </>
        )}
        {children}
      </div>
    </div>
  );
}

/** Leads from a finding to the incident that it is in. */
export function IncidentNote(
  { incident }: { incident: { readonly id: number; readonly headline: string } | null },
) {
  if (incident === null) return null;
  return (
    <p class="of">
      Part of incident{" "}
      <a href={`/incidents/${incident.id}`}>
        {incident.id}: {unparted(incident.headline)}
      </a>
    </p>
  );
}

/** The host that a finding is best followed by: the one source, else the target. */
function mainHost({ sources, sourceCount, targets, anomaly }: Told): string {
  const host = sourceCount > 1 && targets.length === 1 ? targets[0] : sources[0] ?? targets[0];
  return host ?? (anomaly?.entity === "link" ? "" : anomaly?.entity ?? "");
}

function flowsLink(finding: Told): string {
  return `/flows?${hostQuery(finding)}`;
}

function packetsLink(finding: Told): string {
  return `/packets?${hostQuery(finding)}`;
}

/** Of the finding's host and time, as the lists and the export take it; a host known by its MAC address alone has no flows. */
function hostQuery(finding: Told): string {
  const host = mainHost(finding);
  const isIp = host !== "" && !/^(\w\w:){5}\w\w$/.test(host);
  const query = new URLSearchParams(isIp ? { host } : {});
  // Whole seconds, as the form of the list has them.
  query.set("from", String(Math.floor(finding.firstUs / 1e6) * 1e6));
  query.set("to", String(Math.ceil((finding.lastUs + 1) / 1e6) * 1e6));
  return query.toString();
}

interface PathProps {
  readonly ends: BothEnds;
  readonly names: Names;
  /** Beside the arrow: how much, and by what. */
  readonly over: string;
  readonly under: string;
  readonly label: string;
}

export function Path({ ends, names, over, under, label }: PathProps) {
  const [one, other] = [ends.from, ends.to].filter(({ count }) => count > 0);
  const start = one && <PathNode {...one} names={names} />;
  if (!other) return <section class="c12 path" aria-label={label}>{start}</section>;
  return (
    <section class="c12 path" aria-label={label}>
      {start}
      <div class="arrow">
        <span>{over}</span>
        <svg aria-hidden="true">
          <line x1="0" x2="100%" y1="6" y2="6" />
          <svg x="100%" overflow="visible">
            <path d="M0 6l-9-5v10z" />
          </svg>
        </svg>
        <span>{under}</span>
        <Icon name="down" class="narrow" />
      </div>
      <PathNode {...other} names={names} />
    </section>
  );
}

/** Addresses told one by one; the rest opens on demand. */
const addressesShown = 3;

function PathNode({ addresses, count, isEstimate, names }: Ends & { readonly names: Names }) {
  const rest = addresses.slice(addressesShown);
  return (
    <div class="node">
      {count > 1 && <b>{hostCount({ count, isEstimate })} hosts</b>}
      <ul>
        {addresses.slice(0, addressesShown).map((address) => (
          <li key={address}>
            <HostLink address={address} name={names[address] ?? ""} />
            <PlaceLine address={address} />
          </li>
        ))}
      </ul>
      {rest.length > 0 && (
        <details>
          <summary>{isEstimate ? "More" : `${formatCount(count - addressesShown)} more`}</summary>
          <ul>
            {rest.map((address) => (
              <li key={address}>
                <HostLink address={address} name={names[address] ?? ""} />
                <PlaceLine address={address} />
              </li>
            ))}
          </ul>
          {count > addresses.length && (
            <p class="faint">
              {isEstimate ? "The others" : formatCount(count - addresses.length)} are not listed.
            </p>
          )}
        </details>
      )}
    </div>
  );
}

export function Advice({ finding, names }: { finding: Finding; names: Names }) {
  const steps = adviceFor(finding, (address) => names[address] ?? address);
  return (
    <section class="panel">
      <header>
        <h2>What to do</h2>
      </header>
      <div class="body">
        <ol class="todo">
          {steps.map(({ what, why }) => (
            <li key={what}>
              <span>
                <b>{what}</b> {why}
              </span>
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}

export interface Fact {
  readonly term: string;
  readonly text: ComponentChildren;
  readonly href?: string | undefined;
}

interface FactsProps {
  readonly facts: readonly Fact[];
  /** In as many columns as the page has room for. */
  readonly isWide?: boolean;
}

export function Facts({ facts, isWide = false }: FactsProps) {
  const known = facts.filter(({ text }) => text !== "");
  return (
    <section class="panel">
      <header>
        <h2>Facts</h2>
      </header>
      <div class="body">
        <dl class={isWide ? "facts long across" : "facts long"}>
          {known.map((fact) =>
            isWide
              ? (
                <div key={fact.term}>
                  <OneFact {...fact} />
                </div>
              )
              : <OneFact key={fact.term} {...fact} />
          )}
        </dl>
      </div>
    </section>
  );
}

function OneFact({ term, text, href }: Fact) {
  return (
    <>
      <dt>{term}</dt>
      <dd>
        {href === undefined ? text : <a class="plain" href={href} aria-current="false">{text}</a>}
      </dd>
    </>
  );
}

interface FlowsProps extends Clock {
  readonly finding: Told;
  /** "finding" or "incident". */
  readonly word?: string;
  readonly flows: readonly StoredFlow[];
}

export function LinkedFlows({ finding, word = "finding", flows, ...clock }: FlowsProps) {
  const shown = flows.slice(0, flowsShown);
  const isHub = useContext(FleetNames) !== null;
  return (
    <section class="panel c12" id="flows">
      <header>
        <h2>Flows of this {word}</h2>
        <p>{flowsText(shown.length, flows.length)}</p>
        <span class="end">
          <a href={flowsLink(finding)}>Open in Flows</a>
          {!isHub && (
            <>
              , <a href={packetsLink(finding)}>in Packets</a>
            </>
          )}
        </span>
      </header>
      {flows.length > 0
        ? (
          <div class="scroll">
            <FlowTable flows={shown} {...clock} />
          </div>
        )
        : (
          <p class="body dim">
            {isHub
              ? "What its hosts exchanged meanwhile, as far as agents sent flows, is in Flows."
              : noFlowsText(finding, word)}
          </p>
        )}
    </section>
  );
}

/** Rows; more of them say no more. */
const flowsShown = 15;

function flowsText(shown: number, count: number): string {
  if (count === 0) return "";
  return shown < count
    ? `the first ${formatCount(shown)} of ${formatCount(count)} that are kept as evidence`
    : "kept as evidence";
}

function noFlowsText({ isOpen }: Told, word: string): string {
  return isOpen
    ? `Flows are written when they end; none of this ${word} has.`
    : `No flow of this ${word} is kept.`;
}

/** Stands in place of a finding that there is no row of. */
export function FindingMissing({ list, word }: { list: string; word: string }) {
  return (
    <section class="panel c12">
      <div class="state">
        <h2>There is no {word} with this number</h2>
        <p>
          Old ones are deleted with the rest of the history. One that has just been found is written
          within a second or two.{list === "incidents" &&
            " One that turned out to be part of another is told there."}
        </p>
        <div class="btns">
          <a class="btn main" href={`/${list}`} aria-current="false">All {list}</a>
          <a class="btn" href="/" aria-current="false">Overview</a>
        </div>
      </div>
    </section>
  );
}
