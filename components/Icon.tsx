/** The sixteen-pixel line icons and the mark of the product. */
import { SEVERITIES, type Severity as SeverityLevel } from "../agent/records.ts";
import { severityLabels } from "./finding_text.ts";

const paths = {
  overview: "M2 9h3l2-6 3 10 2-4h2",
  incidents: "M4 14V2.5M4 3h8.5l-2 3 2 3H4",
  anomalies: "M8 2.5 14 13H2ZM8 6.5v3M8 11.3v.2",
  scans:
    "M8 8m-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0M8 8m-2.5 0a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0M8 8l4.2-4.2",
  flows: "M2 5h10M9.5 2.5 12 5 9.5 7.5M14 11H4M6.5 8.5 4 11l2.5 2.5",
  hosts: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1",
  agents:
    "M8 2.5v3M8 8m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M6.4 9.3 3.5 12M9.6 9.3 12.5 12M6.5 2.5h3M2 12.5h3M11 12.5h3",
  packets: "M2.5 3.5h11M2.5 6.5h7M2.5 9.5h11M2.5 12.5h5",
  alerts: "M4 11V7a4 4 0 0 1 8 0v4l1 1.5H3ZM6.8 14h2.4",
  status: "M2 8h2.5l1.5 3 3-7 2 4h3",
  more: "M3 8h.1M8 8h.1M13 8h.1",
  theme: "M8 2.5v11M8 2.5a5.5 5.5 0 0 1 0 11 5.5 5.5 0 0 1 0-11",
  tick: "M3 8.5 6.5 12 13 4.5",
  download: "M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11",
  search: "M7 7m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0M10.5 10.5 14 14",
  down: "M4 6l4 4 4-4",
  leave: "M9.5 2.5h-6v11h6M6.5 8h7M11 5.5 13.5 8 11 10.5",
} as const;
export type IconName = keyof typeof paths;

/** An icon beside words; it says nothing by itself. */
export function Icon({ name, class: className = "" }: { name: IconName; class?: string }) {
  return (
    <svg class={`i ${className}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

export function Brand() {
  return (
    <a class="brand" href="/" aria-label="tapwatch, overview" aria-current="false">
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <rect class="up" x="4" y="3" width="4" height="8" />
        <rect class="up" x="10" y="6" width="4" height="5" />
        <rect class="dn" x="10" y="13" width="4" height="8" />
        <rect class="dn" x="16" y="13" width="4" height="4" />
        <path class="ax" d="M2 12h20" />
      </svg>
      <span>tapwatch</span>
    </a>
  );
}

/** Severity as up to four steps beside its word. */
export function Severity({ level }: { level: SeverityLevel }) {
  const steps = SEVERITIES.indexOf(level);
  return (
    <span class={`sev sev-b-${level}`}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        {stepHeights.map((height, index) => (
          <rect
            x={index * 3}
            y={12 - height}
            width="2.2"
            height={height}
            class={index < steps ? "" : "off"}
          />
        ))}
      </svg>
      {severityLabels[level]}
    </span>
  );
}

const stepHeights = [4, 6.4, 8.8, 11.2];
