/** The filter fields of the list of alerts; names are those of `/api`. */
import { ALERT_KINDS, ALERT_STATES, type AlertState, SEVERITIES } from "../agent/records.ts";
import { alertKindLabels } from "./alerts.ts";
import { timeFields } from "./filter_fields.ts";
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

export const alertFields: readonly ListField[] = [
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
  { name: "incident", label: "Incident", placeholder: "7" },
  { name: "mute", label: "Held back by mute", placeholder: "3" },
  ...timeFields,
];
