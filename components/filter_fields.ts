/** The filter fields of the list pages; names are those of `/api`. */
import { HOST_ORDERS, ordersOf } from "../agent/store/filters.ts";
import type { ListField } from "./ListPage.tsx";

/** Times of the sensor's clock. */
export const timeFields: readonly ListField[] = [
  { name: "from", label: "From", type: "datetime-local" },
  { name: "to", label: "To", type: "datetime-local" },
];

/** A list's orders, its own first. */
export function orderField<Order extends string>(
  orders: readonly Order[],
  labels: Readonly<Record<Order, string>>,
): ListField {
  const choices = orders.map((order, index) => ({
    value: index === 0 ? "" : order,
    label: labels[order],
  }));
  return { name: "order", label: "Order", choices };
}

export const hostFields: readonly ListField[] = [
  orderField(HOST_ORDERS, {
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
  orderField(ordersOf("flows"), {
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
  orderField(ordersOf("packets"), { time: "newest first", length: "longest first" }),
];
