/** The filter fields of the list pages; names are those of `/api`. */
import type { ListField } from "./ListPage.tsx";
import { PROTOCOL_CHOICES, protocolLabel } from "./protocol_groups.ts";

const protocol: ListField = {
  name: "protocol",
  label: "Protocol",
  choices: [
    { value: "", label: "any" },
    ...PROTOCOL_CHOICES.map((name) => ({ value: name, label: protocolLabel(name) })),
  ],
};
const host: ListField = { name: "host", label: "Host", placeholder: "192.168.1.20" };
const port: ListField = { name: "port", label: "Port", placeholder: "443" };

/** Times of the sensor's clock. */
export const timeFields: readonly ListField[] = [
  { name: "from", label: "From", type: "datetime-local" },
  { name: "to", label: "To", type: "datetime-local" },
];

export const packetFields: readonly ListField[] = [
  protocol,
  host,
  port,
  { name: "text", label: "Text", placeholder: "part of an address or name" },
  ...timeFields,
];
export const flowFields: readonly ListField[] = [
  protocol,
  host,
  port,
  { name: "text", label: "Text", placeholder: "name, JA4, Community ID" },
  ...timeFields,
];
export const hostFields: readonly ListField[] = [
  { name: "text", label: "Text", placeholder: "address, name or MAC" },
  {
    name: "local",
    label: "Where",
    choices: [
      { value: "", label: "anywhere" },
      { value: "1", label: "local" },
      { value: "0", label: "outside" },
    ],
  },
  {
    name: "order",
    label: "Order",
    choices: [
      { value: "bytes", label: "most bytes" },
      { value: "last_seen", label: "last seen" },
      { value: "first_seen", label: "first seen" },
      { value: "address", label: "address" },
    ],
  },
];
