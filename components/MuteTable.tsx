/** The mutes: what each takes, until when, how much it held back, and the button that lifts it. Cards on a phone. */
import type { Mute } from "../agent/records.ts";
import { formatCount, formatWhen } from "./format.ts";
import { muteEndText, muteScopeText } from "./mute_fields.ts";

interface Props {
  /** Newest first. */
  readonly mutes: readonly Mute[];
  /** How many alerts each has held back. */
  readonly held: ReadonlyMap<number, number>;
  readonly nowUs: number;
  readonly zone: string;
}

export function MuteTable({ mutes, held, nowUs, zone }: Props) {
  return (
    <table class="tbl cards mutes">
      <thead>
        <tr>
          <th scope="col">Mute</th>
          <th scope="col">What it holds back</th>
          <th scope="col">Note</th>
          <th scope="col">Until</th>
          <th scope="col" class="num">Held back</th>
          <th scope="col">
            <span class="vh">Lift</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {mutes.map((mute) => (
          <MuteRow key={mute.id} mute={mute} count={held.get(mute.id) ?? 0} {...{ nowUs, zone }} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  readonly mute: Mute;
  readonly count: number;
  readonly nowUs: number;
  readonly zone: string;
}

function MuteRow({ mute, count, nowUs, zone }: RowProps) {
  const { id, createdUs, untilUs, note } = mute;
  const isOver = untilUs !== null && untilUs <= nowUs;
  return (
    <tr id={`mute-${id}`} class={isOver ? "muted" : undefined}>
      <td class="dim opt" title={`made ${formatWhen(createdUs, nowUs, zone)}`}>{id}</td>
      <td class="w2 scope">{muteScopeText(mute)}</td>
      <td class="w2 note dim">{note}</td>
      <td>
        {isOver ? `ended ${formatWhen(untilUs, nowUs, zone)}` : muteEndText(mute, nowUs, zone)}
      </td>
      <td class="num" data-l="held back">
        {count === 0 ? "0" : <a href={`/alerts?mute=${id}`}>{formatCount(count)}</a>}
      </td>
      <td class="act-end w2">
        <form method="post" action={`/api/mutes/${id}`}>
          <input type="hidden" name="lift" value="1" />
          <input type="hidden" name="back" value="/alerts#mutes" />
          <button
            type="submit"
            class="btn small"
            aria-label={`${isOver ? "Remove" : "Lift"} mute ${id}`}
          >
            {isOver ? "Remove" : "Lift"}
          </button>
        </form>
      </td>
    </tr>
  );
}
