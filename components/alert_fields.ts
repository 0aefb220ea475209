/** The filter fields of the list of alerts; names are those of `/api`. */
import { ALERT_KINDS, ALERT_STATES, type AlertState, SEVERITIES } from "../agent/records.ts";
import { alertKindLabels } from "./alerts.ts";
import type { AlertOrder } from "../agent/store/filters.ts";
import { orderField, timeFields } from "./filter_fields.ts";
import { severityLabels } from "./finding_text.ts";
import type { ListField } from "./ListPage.tsx";

const alertStateLabels: Readonly<Record<AlertState, string>> = {
  waiting: "waiting",
  sent: "sent",
  failed: "failed",
  held: "held back for a digest",
  digest: "told in a digest",
  muted: "muted",
};

/** Shown where the address has them: links lead to these lists. */
const linkedFields: readonly ListField[] = [
  { name: "incident", label: "Incident" },
  { name: "mute", label: "Held back by mute" },
];

export function alertFields(query: URLSearchParams): readonly ListField[] {
  return [...linkedFields.filter(({ name }) => query.get(name)), ...commonFields];
}

const commonFields: readonly ListField[] = [
  {
    name: "state",
    label: "State",
    choices: [
      { value: "", label: "any" },
      ...ALERT_STATES.map((value) => ({ value, label: alertStateLabels[value] })),
    ],
  },
  {
    name: "severity",
    label: "Severity",
    choices: [
      { value: "", label: "any" },
      ...SEVERITIES.toReversed().map((value) => ({ value, label: severityLabels[value] })),
    ],
  },
  {
    name: "kind",
    label: "Kind",
    choices: [
      { value: "", label: "any" },
      ...ALERT_KINDS.map((value) => ({ value, label: alertKindLabels[value] })),
    ],
  },
  ...timeFields,
  orderField<AlertOrder>({ newest: "newest first", severity: "gravest first" }),
];
