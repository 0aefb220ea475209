/** The process of this host behind a flow or a finding, and what else it did. All of it is text that programs choose. */
import type { FlowProcess } from "../agent/records.ts";
import { term } from "../agent/search/edit.ts";
import { processText } from "../agent/text/processes.ts";

interface Props {
  readonly process: FlowProcess | undefined;
  /** Class of the paragraph. */
  readonly class?: string;
}

export function ProcessNote({ process, class: name }: Props) {
  if (process === undefined) return null;
  return (
    <p class={name}>
      Process: <b>{processText(process)}</b>. <a href={processFlows(process)}>All its flows</a>
    </p>
  );
}

function processFlows({ name, user }: FlowProcess): string {
  const terms = [
    ...name === "" ? [] : [term("process", name)],
    ...user === "" ? [] : [term("user", user)],
  ];
  return `/flows?${new URLSearchParams({ q: terms.join(" and ") })}`;
}
