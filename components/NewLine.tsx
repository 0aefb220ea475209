/** How much is new on the network, in one line that leads to the list. */
import type { NewCounts } from "../agent/store/queries.ts";
import { counted } from "../agent/text/amounts.ts";
import { learningText } from "./host_kind.ts";

interface Props {
  /** Of the last 24 hours; null where the database cannot be read. */
  readonly counts: NewCounts | null;
  readonly nowUs: number;
  readonly zone: string;
}

export function NewLine({ counts, nowUs, zone }: Props) {
  if (counts === null) return null;
  const learning = learningText(counts.learningUntilUs, nowUs, zone);
  const parts = [
    [counts.devices, "device"],
    [counts.services, "server port"],
    [counts.peers, "peer"],
  ].filter(([count]) => Number(count) > 0)
    .map(([count, noun]) => counted(Number(count), String(noun)));
  return (
    <p class="c12 new-line">
      {learning !== "" && parts.length === 0
        ? <span class="dim">{learning}</span>
        : parts.length === 0
        ? <span class="dim">No device, server port or peer is new since yesterday.</span>
        : <>New in the last 24 hours: {parts.join(", ")}.</>}{" "}
      <a href="/hosts/new" aria-current="false">What is new</a>
    </p>
  );
}
