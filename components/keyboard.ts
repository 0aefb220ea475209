/** What keys do on every page; in the browser. */

/** Whether the key belongs to what is typed there. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element &&
    target.matches("input:not([type=checkbox]), select, textarea, [contenteditable]");
}

const reachable = "a[href], button, summary, [tabindex]";

/**
 * Moves the focus from what has it in a table: up and down to the same column, or else to the first thing of the row; left and
 * right within the row. False where the key does nothing.
 */
export function moveInTable(key: string, target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  const row = target.closest<HTMLTableRowElement>(".tbl tbody tr");
  if (row === null) return false;
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const things = thingsOf(row);
    const next = things[things.indexOf(target) + (key === "ArrowLeft" ? -1 : 1)];
    next?.focus();
    return next !== undefined;
  }
  const rows = [...row.parentElement!.children].filter((one) =>
    one instanceof HTMLTableRowElement && thingsOf(one).length > 0
  ) as HTMLTableRowElement[];
  const at = rows.indexOf(row);
  const places: Readonly<Record<string, number>> = {
    ArrowUp: at - 1,
    ArrowDown: at + 1,
    Home: 0,
    End: rows.length - 1,
  };
  const place = places[key];
  const other = place === undefined ? undefined : rows[place];
  if (other === undefined) return false;
  const column = target.closest("td, th") as HTMLTableCellElement | null;
  const things = thingsOf(other);
  const same = things.find((one) => one.closest("td, th") === other.cells[column?.cellIndex ?? 0]);
  (same ?? things[0])?.focus();
  return true;
}

/** What can have the focus, and is shown. */
function thingsOf(row: HTMLTableRowElement): HTMLElement[] {
  return [...row.querySelectorAll<HTMLElement>(reachable)].filter((one) =>
    one.offsetParent !== null
  );
}
