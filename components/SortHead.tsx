/** The head of a column that can be sorted; the link turns the order round where it is sorted already. */

export interface Sort<Order extends string> {
  readonly order: Order;
  readonly isAscending: boolean;
  readonly href: (order: Order) => string;
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
      {sort ? <a href={sort.href(order)} aria-current="false">{label}</a> : label}
    </th>
  );
}

/** The list in an order, from its first row: falling, or rising where it falls already. */
export function sortLink(
  url: URL,
  order: string,
  now: { readonly order: string; readonly isAscending: boolean },
): string {
  const query = new URLSearchParams(url.search);
  query.delete("cursor");
  query.set("order", order);
  if (order === now.order && !now.isAscending) query.set("direction", "up");
  else query.delete("direction");
  return `${url.pathname}?${query}`;
}
