/** Choosing a stretch of a chart by drawing over it with the mouse or a pen; a finger scrolls. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Room beside the lines, in rem: the labels of the y axis, and the right edge (chart.ts). */
const leftRem = 2.5;
const rightRem = 0.75;
/** Less than this is a click. */
const leastPx = 8;

type Chosen = readonly [from: number, to: number];

/** What is being chosen, as shares of the width, and the ref of the element that is drawn over. */
export function useBrush(onChosen: (chosen: Chosen) => void): {
  readonly chosen: Chosen | null;
  readonly area: RefObject<HTMLDivElement>;
} {
  const area = useRef<HTMLDivElement>(null);
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const newest = useRef(onChosen);
  newest.current = onChosen;
  useEffect(() => {
    const element = area.current;
    if (!element) return;
    let start: number | null = null;
    const share = ({ clientX }: PointerEvent) => {
      const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
      const { left, width } = element.getBoundingClientRect();
      const inner = width - (leftRem + rightRem) * rem;
      return Math.min(1, Math.max(0, (clientX - left - leftRem * rem) / inner));
    };
    const down = (event: PointerEvent) => {
      if (event.pointerType === "touch" || event.button !== 0) return;
      if ((event.target as Element).closest("a")) return;
      start = share(event);
      event.preventDefault();
    };
    const move = (event: PointerEvent) => {
      if (start !== null) setChosen([start, share(event)]);
    };
    const up = (event: PointerEvent) => {
      if (start === null) return;
      const [from, to] = [start, share(event)].sort((a, b) => a - b) as [number, number];
      start = null;
      setChosen(null);
      if ((to - from) * element.clientWidth >= leastPx) newest.current([from, to]);
    };
    const cancel = () => {
      start = null;
      setChosen(null);
    };
    element.addEventListener("pointerdown", down);
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
    addEventListener("pointercancel", cancel);
    return () => {
      element.removeEventListener("pointerdown", down);
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
      removeEventListener("pointercancel", cancel);
    };
  }, []);
  return { chosen, area };
}
