/** How many findings of a list are open, behind its name in the navigation; nothing when none is. */
import { type FindingList } from "../agent/finding_reader.ts";
import { listOf, type OpenFinding, stillOpen } from "../components/findings.ts";
import { formatCount } from "../components/format.ts";
import { newFindings } from "../components/live.ts";

interface Props {
  readonly list: FindingList;
  readonly open: readonly OpenFinding[];
}

export default function OpenCount({ list, open }: Props) {
  const now = stillOpen(open, newFindings.value.filter((finding) => listOf(finding) === list))
    .filter(({ severity }) => severity !== "info");
  if (now.length === 0) return null;
  const isCritical = now.some(({ severity }) => severity === "critical");
  const isHigh = isCritical || now.some(({ severity }) => severity === "high");
  return (
    <span class={`n ${isCritical ? "crit" : isHigh ? "" : "mild"}`}>
      {formatCount(now.length)}
      <span class="vh">open</span>
    </span>
  );
}
