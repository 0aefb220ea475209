/** Both directions of a flow over time, drawn on the server: what is received above the line, what is sent below. */
import { formatBytes, formatPacketTime, formatWhen } from "./format.ts";

export interface FlowBucket {
  readonly fromUs: number;
  readonly toUs: number;
  /** Bytes on the wire. */
  readonly sent: number;
  readonly received: number;
}

interface Props {
  readonly buckets: readonly FlowBucket[];
  readonly nowUs: number;
  readonly zone: string;
}

const half = 50;
const dayUs = 86_400e6;

export function FlowSketch({ buckets, nowUs, zone }: Props) {
  const fromUs = buckets[0]!.fromUs;
  const spanUs = Math.max(1, buckets.at(-1)!.toUs - fromUs);
  const most = Math.max(1, ...buckets.map(({ sent, received }) => Math.max(sent, received)));
  const sum = (key: "sent" | "received") => buckets.reduce((total, one) => total + one[key], 0);
  const label = `Received ${formatBytes(sum("received"))} above the line, sent ${
    formatBytes(sum("sent"))
  } below it, at most ${formatBytes(most)} a bar.`;
  // "15:47:46.762" where seconds say too little, "15:47" where they say too much.
  const momentText = (tsUs: number) =>
    spanUs < 10e6
      ? formatPacketTime(tsUs, zone).slice(0, -3)
      : formatWhen(tsUs, nowUs, zone).replace(/^(\d\d:\d\d):\d\d$/, spanUs < dayUs ? "$&" : "$1");
  return (
    <>
      <svg
        class="flow-sketch"
        viewBox="0 0 1000 100"
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
      >
        {buckets.filter(({ sent, received }) => sent + received > 0).map(
          ({ fromUs: startUs, toUs, sent, received }) => {
            const x = 1000 * (startUs - fromUs) / spanUs;
            const width = Math.max(2, 1000 * (toUs - startUs) / spanUs - 2);
            return (
              <g key={startUs}>
                <rect
                  class="received"
                  x={x}
                  width={width}
                  y={half - half * received / most}
                  height={half * received / most}
                />
                <rect class="sent" x={x} width={width} y={half} height={half * sent / most} />
              </g>
            );
          },
        )}
        <line x1="0" x2="1000" y1={half} y2={half} />
      </svg>
      <p class="ends-of">
        <span>{momentText(fromUs)}</span>
        <span class="dim">{label}</span>
        <span>{momentText(buckets.at(-1)!.toUs)}</span>
      </p>
    </>
  );
}
