/** Rows that hold still while the pointer or the focus is on them; how many wait is said on a button. */
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { formatCount } from "./format.ts";

interface Props<Row> {
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly children: (rows: readonly Row[]) => ComponentChildren;
}

export function HeldRows<Row>({ rows, keyOf, children }: Props<Row>) {
  const [isHeld, setHeld] = useState(false);
  const shown = useRef(rows);
  if (!isHeld) shown.current = rows;
  const known = new Set(shown.current.map(keyOf));
  const waiting = isHeld ? rows.filter((row) => !known.has(keyOf(row))).length : 0;
  return <Held waiting={waiting} setHeld={setHeld}>{children(shown.current)}</Held>;
}

interface HeldProps {
  /** Rows that wait. */
  readonly waiting: number;
  readonly setHeld: (isHeld: boolean) => void;
  readonly children: ComponentChildren;
}

export function Held({ waiting, setHeld, children }: HeldProps) {
  return (
    <div
      class="held"
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocusIn={() => setHeld(true)}
      onFocusOut={() => setHeld(false)}
    >
      {waiting > 0 && (
        <button type="button" class="chip" onClick={() => setHeld(false)}>
          {formatCount(waiting)} newer
        </button>
      )}
      {children}
    </div>
  );
}
