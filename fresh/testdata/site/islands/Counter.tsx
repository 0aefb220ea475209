import type { Signal } from "@preact/signals";
import { IS_BROWSER } from "fresh/runtime";

export default function Counter(
  { id, count }: { id: string; count: Signal<number> },
) {
  return (
    <button
      id={id}
      type="button"
      disabled={!IS_BROWSER}
      onClick={() => count.value++}
    >
      Count {count}
    </button>
  );
}
