/** The parts of frappe-charts 1.6.2 that chart.ts uses and mends; the package has no types of its own. */
interface AxisData {
  readonly positions: readonly number[];
  readonly labels: readonly (number | string)[];
  readonly calcLabels?: readonly string[];
}
interface ChartComponent {
  makeElements: (data: AxisData) => unknown;
}
interface ChartTip {
  fill: (this: ChartTip) => void;
  readonly title: HTMLElement;
  readonly titleName: string;
  readonly titleValue: string | undefined;
  readonly dataPointList: HTMLElement;
  readonly listValues: readonly { readonly title?: string; readonly value: number }[];
}
interface ChartInput {
  readonly labels: string[];
  readonly datasets: { readonly name: string; readonly values: number[] }[];
}
export class Chart {
  constructor(parent: HTMLElement, options: Record<string, unknown>);
  readonly config: { showLegend: number };
  readonly measures: Record<string, unknown>;
  readonly components: ReadonlyMap<string, ChartComponent>;
  readonly tip: ChartTip;
  readonly data: ChartInput;
  readonly state: { readonly yAxis?: { readonly zeroLine: number } };
  readonly drawArea?: SVGGElement;
  readonly svgDefs?: SVGDefsElement;
  readonly baseHeight: number;
  readonly width: number;
  height: number;
  renderLegend: () => void;
  setupComponents: () => void;
  getAllYValues: () => number[];
  render: (components?: unknown, animate?: unknown) => void;
  draw(onlyWidthChange?: boolean): void;
  update(data: ChartInput): void;
  destroy(): void;
}
