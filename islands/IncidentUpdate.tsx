/** Says on the page of an incident that there is more to it since the page was made. */
import type { Incident } from "../agent/records.ts";
import { incidentPath } from "../components/incidents.ts";
import { arrivedIncidents } from "../components/live.ts";

interface Props {
  readonly incident: Pick<Incident, "id" | "headline" | "lastUs" | "findingCount" | "isOpen">;
}

export default function IncidentUpdate({ incident }: Props) {
  const { incidents } = arrivedIncidents.value;
  const now = incidents.find((one) => one.incident.id === incident.id)?.incident;
  const isNews = now !== undefined &&
    (now.lastUs > incident.lastUs || now.findingCount > incident.findingCount ||
      now.headline !== incident.headline || now.isOpen !== incident.isOpen);
  return (
    <div class="c12 update" role="status">
      {isNews && (
        <p>
          {now.isOpen ? "There is more to it by now" : "It is over by now"}: {now.headline}.{" "}
          <a href={incidentPath(incident)}>Show it</a>
        </p>
      )}
    </div>
  );
}
