/** The filter fields of the list pages; names are those of `/api`. */
import type { FlowOrder } from "../agent/search/open_flows.ts";
import type { HostOrder, PacketOrder } from "../agent/store/filters.ts";
import type { ListField } from "./ListPage.tsx";

/** Times of the sensor's clock. */
export const timeFields: readonly ListField[] = [
  { name: "from", label: "From", type: "datetime-local" },
  { name: "to", label: "To", type: "datetime-local" },
];

/** A list's orders, its own first. */
export function orderField<Order extends string>(
  labels: Readonly<Record<Order, string>>,
): ListField {
  const choices = Object.entries<string>(labels).map(([order, label], index) => ({
    value: index === 0 ? "" : order,
    label,
  }));
  return { name: "order", label: "Order", choices };
}

export const hostFields: readonly ListField[] = [
  orderField<HostOrder>({
    own: "own networks first",
    bytes: "most bytes",
    received: "most received",
    sent: "most sent",
    last_seen: "last seen",
    first_seen: "first seen",
    address: "address",
  }),
];

export const flowFields: readonly ListField[] = [
  ...timeFields,
  orderField<FlowOrder>({
    last: "newest first",
    start: "began last",
    bytes: "most bytes",
    sent: "most sent",
    received: "most received",
    packets: "most packets",
    duration: "longest",
  }),
];

export const packetFields: readonly ListField[] = [
  ...timeFields,
  orderField<PacketOrder>({ time: "newest first", length: "longest first" }),
];
