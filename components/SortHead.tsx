/** The head of a column that can be sorted; the link turns the order round where it is sorted already. And its cells. */
import type { ComponentChildren } from "preact";

/** How a list is sorted. */
export interface Sort<Order extends string> {
  readonly order: Order;
  readonly isAscending: boolean;
  /** Path and query of the page. */
  readonly path: string;
}

interface Props<Order extends string> {
  /** Without it the column cannot be sorted. */
  readonly sort: Sort<Order> | undefined;
  readonly label: string;
  readonly order: Order;
  readonly isNumber?: boolean;
  /** Left out where there is little room. */
  readonly isRoomy?: boolean;
}

export function SortHead<Order extends string>(
  { label, order, sort, isNumber, isRoomy }: Props<Order>,
) {
  const isSorted = sort?.order === order;
  return (
    <th
      scope="col"
      class={`${isNumber ? "num" : ""} ${isRoomy ? "roomy" : ""}`.trim() || undefined}
      aria-sort={isSorted ? sort.isAscending ? "ascending" : "descending" : undefined}
    >
      {sort ? <a href={sortLink(sort, order)} aria-current="false">{label}</a> : label}
    </th>
  );
}

interface CellProps<Order extends string> {
  readonly sort: Sort<Order> | undefined;
  readonly order: Order;
  /** Stands before the number where there are no heads. */
  readonly label: string;
  readonly isRoomy?: boolean;
  readonly children: ComponentChildren;
}

/** A number of a row that a card has only where the list is sorted by it. */
export function SortCell<Order extends string>(
  { sort, order, label, isRoomy, children }: CellProps<Order>,
) {
  const isSorted = sort?.order === order;
  return (
    <td
      class={`num ${isSorted ? "sorted" : "opt"}${isRoomy ? " roomy" : ""}`}
      data-l={isSorted ? label : undefined}
    >
      {children}
    </td>
  );
}

/** The list in an order, from its first row: falling, or rising where it falls already. */
function sortLink(now: Sort<string>, order: string): string {
  const [path = "", search] = now.path.split("?");
  const query = new URLSearchParams(search);
  query.delete("cursor");
  query.set("order", order);
  if (order === now.order && !now.isAscending) query.set("direction", "up");
  else query.delete("direction");
  return `${path}?${query}`;
}
