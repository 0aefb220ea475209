/** An incident as a row of the overview: badge, sentence, circumstances, time. The whole row is one link. */
import { unparted } from "./format.ts";
import { seenByText } from "./AgentName.tsx";
import { whenText } from "./finding_text.ts";
import { isGrave } from "./findings.ts";
import { Severity } from "./Icon.tsx";
import { circumstances } from "./incident_text.ts";
import { type IncidentItem, incidentPath, needsLook } from "./incidents.ts";

interface Props {
  readonly item: IncidentItem;
  readonly nowUs: number;
  readonly zone: string;
}

export function IncidentLink({ item, nowUs, zone }: Props) {
  const { incident, isAcknowledged } = item;
  const { severity, headline } = incident;
  const { time, note } = whenText(incident, nowUs, zone);
  const tint = isGrave(incident) && needsLook(item) ? `is-${severity}` : `is-${severity} plain-row`;
  return (
    <a class={`finding ${tint}`} href={incidentPath(incident)}>
      <Severity level={severity} />
      <div class="tx">
        <h3>{unparted(headline)}</h3>
        <p>{[circumstances(incident), seenByText(item)].filter(Boolean).join(", ")}</p>
      </div>
      <div class="when">
        <b>{time}</b> {note}
        {isAcknowledged && ", acknowledged"}
      </div>
    </a>
  );
}
