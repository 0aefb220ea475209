/** The curves of the soak as a picture: memory, handles and packets a second over time. */

/** What is seen at one moment of a run. */
export interface Sample {
  readonly seconds: number;
  readonly rssBytes: number;
  readonly handles: number;
  /** Counted so far. */
  readonly packets: number;
}

const width = 900;
const left = 90;
const right = width - 20;
const panelHeight = 130;
const panelGap = 50;
const top = 56;
const ticks = 4;

interface Panel {
  readonly title: string;
  readonly values: readonly number[];
  readonly format: (value: number) => string;
}

/** An SVG of its own, for light and dark pages alike. */
export function drawSoak(samples: readonly Sample[], load: string): string {
  const panels: Panel[] = [
    {
      title: "resident memory",
      values: samples.map(({ rssBytes }) => rssBytes / 1e6),
      format: (value) => `${Math.round(value)} MB`,
    },
    { title: "open handles", values: samples.map(({ handles }) => handles), format: String },
    {
      title: "packets a second",
      values: samples.map((sample, index) => {
        const before = samples[Math.max(0, index - 1)]!;
        const seconds = sample.seconds - before.seconds;
        return seconds === 0 ? 0 : (sample.packets - before.packets) / seconds;
      }),
      format: (value) => Math.round(value).toLocaleString("en-US"),
    },
  ];
  const height = top + panels.length * (panelHeight + panelGap);
  const spanS = Math.max(1, samples.at(-1)?.seconds ?? 1);
  const xOf = (seconds: number) => left + (right - left) * seconds / spanS;
  const body = panels.map((panel, index) =>
    drawPanel(panel, { samples, xOf, y: top + index * (panelHeight + panelGap), spanS })
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>tapwatch beside ${load} for ${Math.round(spanS / 60)} minutes</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${left}" y="16" fill="#222">${
    Math.round(spanS / 60)
  } minutes beside ${load}, with a page open</text>
${body.join("\n")}
</svg>
`;
}

function drawPanel(
  { title, values, format }: Panel,
  { samples, xOf, y, spanS }: {
    readonly samples: readonly Sample[];
    readonly xOf: (seconds: number) => number;
    readonly y: number;
    readonly spanS: number;
  },
): string {
  const step = niceStep(Math.max(1, ...values) / ticks);
  const valueMax = step * ticks;
  const yOf = (value: number) => y + panelHeight * (1 - value / valueMax);
  const marks = Array.from({ length: ticks + 1 }, (_, index) => index * step);
  const minutes = niceStep(spanS / 60 / 6);
  const times = Array.from(
    { length: Math.floor(spanS / 60 / minutes) + 1 },
    (_, index) => index * minutes,
  );
  const line = samples.map(({ seconds }, index) =>
    `${xOf(seconds).toFixed(1)},${yOf(values[index]!).toFixed(1)}`
  ).join(" ");
  return [
    `<text x="${left}" y="${y - 8}" font-weight="bold" fill="#222">${title}</text>`,
    ...marks.map((value) =>
      `<path d="M${left} ${yOf(value)}H${right}" stroke="#ddd"/><text x="${left - 8}" y="${
        yOf(value) + 4
      }" text-anchor="end" fill="#555">${format(value)}</text>`
    ),
    ...times.map((minute) =>
      `<text x="${xOf(minute * 60)}" y="${
        y + panelHeight + 16
      }" text-anchor="middle" fill="#555">${minute} min</text>`
    ),
    `<polyline points="${line}" fill="none" stroke="#1f6feb" stroke-width="1.5"/>`,
  ].join("\n");
}

/** 1, 2 or 5 of a power of ten, at least `value`. */
function niceStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}
