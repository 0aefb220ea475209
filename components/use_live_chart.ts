/** Keeps a chart of the browser in step with data that change at each rendering. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { RefObject } from "preact";
import type { ChartData, ChartHandle } from "./chart.ts";

type Charts = typeof import("./chart.ts");

export interface LiveChart {
  readonly draw: (charts: Charts, element: HTMLElement, data: ChartData) => ChartHandle;
  /** Least time between two updates. */
  readonly everyMs: number;
}

interface DrawnChart {
  /** For the empty element that the chart fills. */
  readonly host: RefObject<HTMLDivElement>;
  readonly isDrawn: boolean;
}

/**
 * Draws into the element of the returned ref once there are `data`, then brings them up to date; never while the
 * page is hidden. The chart library is loaded then, so the server and pages without a chart never do.
 */
export function useLiveChart(
  data: ChartData | null,
  { draw, everyMs }: LiveChart,
): DrawnChart {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<ChartHandle | "loading" | null>(null);
  const newest = useRef(data);
  const [isDrawn, setDrawn] = useState(false);
  const drawnAtMs = useRef(0);
  newest.current = data;
  useEffect(() => {
    if (!data || document.hidden || chart.current === "loading") return;
    if (!chart.current) {
      chart.current = "loading";
      import("./chart.ts").then((charts) => {
        if (!host.current || !newest.current) return;
        chart.current = draw(charts, host.current, newest.current);
        drawnAtMs.current = performance.now();
        setDrawn(true);
      });
    } else if (performance.now() - drawnAtMs.current >= everyMs) {
      chart.current.update(data);
      drawnAtMs.current = performance.now();
    }
  });
  useEffect(() => () => {
    if (chart.current && chart.current !== "loading") chart.current.destroy();
  }, []);
  return { host, isDrawn };
}
