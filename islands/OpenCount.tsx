/** How many incidents need a look, behind their name in the navigation; nothing when none does. */
import { formatCount } from "../components/format.ts";
import { type LookItem, lookMax, stillToLookAt } from "../components/incidents.ts";
import { arrivedIncidents, muteView } from "../components/live.ts";

interface Props {
  readonly look: readonly LookItem[];
  readonly zone: string;
}

export default function OpenCount({ look, zone }: Props) {
  const now = stillToLookAt(look, arrivedIncidents.value, muteView(zone));
  if (now.length === 0) return null;
  const isCritical = now.some(({ severity }) => severity === "critical");
  const isHigh = isCritical || now.some(({ severity }) => severity === "high");
  return (
    <span class={`n ${isCritical ? "crit" : isHigh ? "" : "mild"}`}>
      {now.length > lookMax ? `${formatCount(lookMax)}+` : formatCount(now.length)}
      <span class="vh">need a look</span>
    </span>
  );
}
