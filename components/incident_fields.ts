/** The filter fields of the list of incidents; names are those of `/api`. */
import { FINDING_KINDS } from "../agent/records.ts";
import type { IncidentOrder } from "../agent/store/filters.ts";
import { orderField } from "./filter_fields.ts";
import { choices, ends, episodeFields, episodeOrders } from "./finding_fields.ts";
import { kindLabels } from "./finding_text.ts";
import type { ListField } from "./ListPage.tsx";

export const incidentFields: readonly ListField[] = [
  ...ends,
  { name: "kind", label: "Kind", choices: choices(FINDING_KINDS, kindLabels) },
  ...episodeFields,
  {
    name: "acknowledged",
    label: "Acknowledged",
    choices: [
      { value: "", label: "any" },
      { value: "no", label: "not yet" },
      { value: "yes", label: "yes" },
    ],
  },
  orderField<IncidentOrder>({
    ...episodeOrders,
    targets: "most targets",
    findings: "most findings",
  }),
];
