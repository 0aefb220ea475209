/** Incidents as rows; the sentence leads to the page of the incident. Cards on a phone. */
import type { IncidentOrder } from "../agent/store/filters.ts";
import { agentsText } from "./AgentName.tsx";
import { formatCount, unparted } from "./format.ts";
import { Severity } from "./Icon.tsx";
import { kindsText } from "./incident_text.ts";
import { type IncidentItem, incidentPath } from "./incidents.ts";
import { Moment } from "./Moment.tsx";
import { type Sort, SortCell, SortHead } from "./SortHead.tsx";

interface Props {
  readonly items: readonly IncidentItem[];
  /** Where the columns can be sorted. */
  readonly sort?: Sort<IncidentOrder> | undefined;
  readonly nowUs: number;
  readonly zone: string;
}

export function IncidentTable({ items, sort, nowUs, zone }: Props) {
  const isOfHub = items.some(({ agents }) => agents !== undefined);
  return (
    <table class="tbl cards episodes">
      <thead>
        <tr>
          <SortHead label="Began" order="start" sort={sort} />
          <SortHead label="Severity" order="severity" sort={sort} />
          <th scope="col">What happened</th>
          {isOfHub && <th scope="col">Agents</th>}
          <th scope="col">Kind</th>
          <SortHead label="Targets" order="targets" sort={sort} isNumber />
          <SortHead label="Findings" order="findings" sort={sort} isNumber />
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <Row
            key={item.incident.id}
            item={item}
            isOfHub={isOfHub}
            sort={sort}
            nowUs={nowUs}
            zone={zone}
          />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps extends Omit<Props, "items"> {
  readonly item: IncidentItem;
  readonly isOfHub: boolean;
}

function Row({ item, isOfHub, sort, nowUs, zone }: RowProps) {
  const { incident, muted, agents = [], fleetSize = 0 } = item;
  const { severity, headline, targetCount, findingCount, origin } = incident;
  return (
    <tr class={muted === "" ? "" : "muted"}>
      <td class="dim time">
        <Moment tsUs={incident.firstUs} nowUs={nowUs} zone={zone} />
      </td>
      <td class="level">
        <Severity level={severity} />
      </td>
      <td class="grow w2" title={headline}>
        <a class="plain" href={incidentPath(incident)}>{unparted(headline)}</a>
        {(muted !== "" || origin) && <small>{muted || origin?.text}</small>}
      </td>
      {isOfHub && (
        <td class="agent" data-l="seen by" title={agents.join(", ")}>
          {agents.length === 0 ? "the hub" : agentsText(agents, fleetSize)}
        </td>
      )}
      <td class="opt">{kindsText(incident)}</td>
      <SortCell sort={sort} order="targets" label="targets">{formatCount(targetCount)}</SortCell>
      <SortCell sort={sort} order="findings" label="findings">{formatCount(findingCount)}</SortCell>
      <td class="over">{stateText(item)}</td>
    </tr>
  );
}

function stateText({ incident, isAcknowledged, muted }: IncidentItem) {
  const seen = muted !== "" ? "muted" : isAcknowledged ? "acknowledged" : "not acknowledged";
  if (incident.isOpen) {
    return (
      <>
        <b>open</b>, {seen}
      </>
    );
  }
  return muted === "" && !isAcknowledged ? <b>{seen}</b> : <span class="dim">{seen}</span>;
}
