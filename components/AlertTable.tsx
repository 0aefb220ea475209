/** Alerts with what became of each: by channel, or what held it back. Cards on a phone. */
import { unparted } from "./format.ts";
import type { Alert, AlertDelivery } from "../agent/records.ts";
import type { AlertOrder } from "../agent/store/filters.ts";
import { alertKindLabels, deliveryText } from "./alerts.ts";
import { Severity } from "./Icon.tsx";
import { Moment } from "./Moment.tsx";
import { type Sort, SortHead } from "./SortHead.tsx";

interface Clock {
  readonly nowUs: number;
  readonly zone: string;
}

interface Props extends Clock {
  readonly alerts: readonly Alert[];
  readonly sort: Sort<AlertOrder>;
}

export function AlertTable({ alerts, sort, ...clock }: Props) {
  return (
    <table class="tbl cards episodes alerts">
      <thead>
        <tr>
          <SortHead label="When" order="newest" sort={sort} />
          <SortHead label="Severity" order="severity" sort={sort} />
          <th scope="col">What happened</th>
          <th scope="col">What became of it</th>
          <th scope="col">
            <span class="vh">Mute</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {alerts.map((alert) => <Row key={alert.id} alert={alert} {...clock} />)}
      </tbody>
    </table>
  );
}

function Row({ alert, ...clock }: Clock & { readonly alert: Alert }) {
  const { id, tsUs, severity, state } = alert;
  return (
    <tr id={`alert-${id}`} class={state === "muted" ? "muted" : undefined}>
      <td class="dim time">
        <Moment tsUs={tsUs} {...clock} />
      </td>
      <td class="level">
        <Severity level={severity} />
      </td>
      <td class="w2 what">
        <Headline alert={alert} />
        <span class="why">{whyText(alert)}</span>
        {alert.detail !== "" && alert.kind !== "incident" && (
          <details>
            <summary>{alert.kind === "digest" ? "What it tells" : "More"}</summary>
            <ul>
              {alert.detail.split("\n").map((line, index) => <li key={index}>{line}</li>)}
            </ul>
          </details>
        )}
      </td>
      <td class="w2 told">
        <Fate alert={alert} {...clock} />
      </td>
      <td class="act-end">
        <MuteLink alert={alert} />
      </td>
    </tr>
  );
}

function MuteLink({ alert: { kind, state, incidentId } }: { alert: Alert }) {
  if (state === "muted" || kind === "digest" || kind === "test") return null;
  const query = incidentId === null ? `kind=${kind}` : `from=/incidents/${incidentId}`;
  return <a class="btn small" href={`/mutes/new?${query}`}>Mute</a>;
}

function Headline({ alert: { headline, incidentId } }: { alert: Alert }) {
  return incidentId === null
    ? <b>{unparted(headline)}</b>
    : <a class="plain" href={`/incidents/${incidentId}`}>{unparted(headline)}</a>;
}

function whyText({ kind, reason }: Alert): string {
  return kind === "incident" ? reason : `${alertKindLabels[kind]}. ${reason}`;
}

/** What became of it: each channel's state, or what holds it back. */
function Fate({ alert, ...clock }: Clock & { readonly alert: Alert }) {
  const { state, heldBy, muteId, digestId, deliveries } = alert;
  switch (state) {
    case "muted":
      return (
        <p>
          Held back by <a href={`/alerts#mute-${muteId}`}>{heldBy}</a>
        </p>
      );
    case "held":
      return (
        <p>
          <b>Held back</b> by {heldBy}; waits for the digest
        </p>
      );
    case "digest":
      return (
        <p>
          Held back by {heldBy}; told in{" "}
          {digestId === null ? "a digest" : <a href={`#alert-${digestId}`}>the digest</a>}
        </p>
      );
    default:
      return <Deliveries deliveries={deliveries} {...clock} />;
  }
}

export function Deliveries(
  { deliveries, nowUs, zone }: Clock & { readonly deliveries: readonly AlertDelivery[] },
) {
  return (
    <ul class="deliveries">
      {deliveries.map((delivery) => (
        <li key={delivery.channel} class={delivery.state}>
          <span class="channel">{delivery.channel}</span>{" "}
          <span class="fate" title={delivery.answer}>{deliveryText(delivery, nowUs, zone)}</span>
          {delivery.state !== "sent" && delivery.answer !== "" && (
            <span class="words">: {delivery.answer}</span>
          )}
        </li>
      ))}
    </ul>
  );
}
