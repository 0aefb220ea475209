/** The filter fields of the two lists of findings; names are those of `/api`. */
import { FINDING_KINDS, SCAN_KINDS, SCAN_PROBES, SEVERITIES } from "../agent/records.ts";
import { kindLabels, probeLabels, scanKindLabels, severityLabels } from "./finding_text.ts";
import type { AnomalyOrder, ScanOrder } from "../agent/store/filters.ts";
import { orderField, timeFields } from "./filter_fields.ts";
import type { ListField } from "./ListPage.tsx";

export const episodeFields: readonly ListField[] = [
  {
    name: "severity",
    label: "Severity",
    choices: choices(SEVERITIES.toReversed(), severityLabels),
  },
  {
    name: "state",
    label: "State",
    choices: [
      { value: "", label: "any" },
      { value: "open", label: "still going on" },
      { value: "closed", label: "ended" },
    ],
  },
  ...timeFields,
];
export const episodeOrders = {
  newest: "newest first",
  start: "began last",
  severity: "gravest first",
} as const;
export const ends: readonly ListField[] = [
  { name: "source", label: "Source", placeholder: "192.168.1.20" },
  { name: "target", label: "Target", placeholder: "192.168.1.1" },
];

export const scanFields: readonly ListField[] = [
  ...ends,
  { name: "kind", label: "Kind", choices: choices(SCAN_KINDS, scanKindLabels) },
  { name: "probe", label: "Probe", choices: choices(SCAN_PROBES, probeLabels) },
  ...episodeFields,
  orderField<ScanOrder>({
    ...episodeOrders,
    targets: "most targets",
    attempts: "most attempts",
    answered: "most answers",
  }),
];

const anomalyKinds = FINDING_KINDS.filter((kind) => kind !== "scan");
export const anomalyFields: readonly ListField[] = [
  ...ends,
  { name: "kind", label: "Kind", choices: choices(anomalyKinds, kindLabels) },
  ...episodeFields,
  orderField<AnomalyOrder>(episodeOrders),
];

export function choices<Name extends string>(
  names: readonly Name[],
  labels: Readonly<Record<Name, string>>,
): readonly { readonly value: string; readonly label: string }[] {
  return [
    { value: "", label: "any" },
    ...names.map((name) => ({ value: name, label: labels[name] })),
  ];
}
