/** The filter fields of the list pages; names are those of `/api`. */
import type { ListField } from "./ListPage.tsx";

/** Times of the sensor's clock. */
export const timeFields: readonly ListField[] = [
  { name: "from", label: "From", type: "datetime-local" },
  { name: "to", label: "To", type: "datetime-local" },
];

export const hostFields: readonly ListField[] = [
  {
    name: "order",
    label: "Order",
    choices: [
      { value: "", label: "own networks first" },
      { value: "bytes", label: "most bytes" },
      { value: "received", label: "most received" },
      { value: "sent", label: "most sent" },
      { value: "last_seen", label: "last seen" },
      { value: "first_seen", label: "first seen" },
      { value: "address", label: "address" },
    ],
  },
];
