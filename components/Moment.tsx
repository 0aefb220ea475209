/** A moment of traffic, which leads to the overview of the minutes around it. */
import { formatWhen } from "./format.ts";
import { momentHref } from "./range_text.ts";

interface Props {
  readonly tsUs: number;
  readonly nowUs: number;
  readonly zone: string;
}

export function Moment({ tsUs, nowUs, zone }: Props) {
  return (
    <a class="plain" href={momentHref(tsUs)} title="The ten minutes around it" aria-current="false">
      {formatWhen(tsUs, nowUs, zone)}
    </a>
  );
}
