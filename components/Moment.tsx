/** A moment of traffic, which leads to the overview of the minutes around it. */
import type { ComponentChildren } from "preact";
import { formatWhen } from "./format.ts";
import { momentHref } from "./range_text.ts";

interface Props {
  readonly tsUs: number;
  readonly nowUs: number;
  readonly zone: string;
}

export function Moment({ tsUs, nowUs, zone }: Props) {
  return <MomentLink tsUs={tsUs}>{formatWhen(tsUs, nowUs, zone)}</MomentLink>;
}

/** The same, of a time that is written in another way. */
export function MomentLink(
  { tsUs, children }: { readonly tsUs: number; readonly children: ComponentChildren },
) {
  return (
    <a class="plain" href={momentHref(tsUs)} title="The ten minutes around it" aria-current="false">
      {children}
    </a>
  );
}
