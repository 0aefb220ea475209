/**
 * frappe-charts 1.6.2 under a strict CSP, with our numbers, updated each second. Only the un-minified ESM file is
 * usable: the `*.min.*` builds put a <style> element into the page when they are imported. The bundler replaces one
 * line of it (see tools/build.ts). Colours come from CSS classes; the library gets placeholders.
 */
// @ts-types="./frappe_charts.d.ts"
import { Chart } from "frappe-charts/dist/frappe-charts.esm.js";
import { ticksWithRoom } from "./ticks_with_room.ts";

interface LineChartOptions {
  /** At the root font size of 16 px. */
  readonly height: number;
  readonly data: ChartData;
  /** Room for the y labels, at 16 px. */
  readonly left: number;
  readonly formatY: (value: number) => string;
  readonly formatTip: (value: number) => string;
}
export interface ChartData {
  readonly labels: readonly string[];
  readonly datasets: readonly { readonly name: string; readonly values: readonly number[] }[];
  /** Indexes of the labels to show, on round times. */
  readonly ticks: readonly number[];
}
export interface ChartHandle {
  update(data: ChartData): void;
  destroy(): void;
}

const placeholders = new Array<string>(8).fill("#777777");
const rootScale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
/** What half a label takes beyond the room at the right edge, at 16 px: of "14:07:30" 15, of "Wed 10 Jun" 22. */
const labelOverhang = ({ length }: string) => 3.4 * length - 12;
/** From the middle of a label to that of the next, at least, at 16 px. */
const labelRoom = 90;
const wallScale = () => rootScale() * (matchMedia("(min-width: 187.5em)").matches ? 1.35 : 1);

/** Draws lines with filled areas, from zero, into `host`. */
export function drawLineChart(host: HTMLElement, options: LineChartOptions): ChartHandle {
  const scale = rootScale();
  const state = { data: options.data };
  const chart = new Chart(host, {
    type: "line",
    data: libraryData(options.data),
    height: Math.round(options.height * wallScale()),
    colors: placeholders,
    animate: 0,
    isNavigable: 0,
    truncateLegends: 1,
    lineOptions: { hideDots: 1, regionFill: 1, spline: 0 },
    axisOptions: { xAxisMode: "tick", yAxisMode: "span", xIsSeries: 1 },
  });
  const padding = { top: 10 * scale, bottom: 24 * scale };
  setMargins(chart, { ...padding, left: options.left * scale, right: 12 * scale });
  formatAxes(chart, options, () => state.data.ticks);
  const allValues = chart.getAllYValues.bind(chart);
  chart.getAllYValues = () => [...allValues(), 0];
  replaceTip(chart, options.formatTip);
  drawZeroLine(chart);
  chart.draw();
  chart.update(libraryData(options.data));
  return {
    update(data) {
      state.data = data;
      chart.update(libraryData(data));
    },
    destroy() {
      chart.destroy();
      host.replaceChildren();
    },
  };
}

/** Draws the parts of a whole as a ring into `host`; at least one part must be above zero. */
export function drawRing(
  host: HTMLElement,
  options: { readonly height: number; readonly data: ChartData },
): ChartHandle {
  const height = Math.round(options.height * wallScale());
  const chart = new Chart(host, {
    type: "donut",
    data: libraryData(options.data),
    height,
    colors: placeholders,
    strokeWidth: 18 * rootScale(),
    animate: 0,
  });
  setMargins(chart, { top: 4, bottom: 4, left: 4, right: 4 });
  chart.renderLegend = () => {};
  replaceTip(chart, String);
  chart.draw();
  chart.update(libraryData(options.data));
  return {
    update(data) {
      chart.update(libraryData(data));
    },
    destroy() {
      chart.destroy();
      host.replaceChildren();
    },
  };
}

/** The library keeps and changes what it is given. */
function libraryData({ labels, datasets }: ChartData) {
  return {
    labels: [...labels],
    datasets: datasets.map(({ name, values }) => ({ name, values: [...values] })),
  };
}

/** It reserves 110 px for a title and a legend that cannot be switched off; ours are HTML. */
function setMargins(
  chart: Chart,
  paddings: { top: number; bottom: number; left: number; right: number },
): void {
  chart.config.showLegend = 0;
  chart.renderLegend = () => {};
  Object.assign(chart.measures, {
    legendHeight: 0,
    titleHeight: 0,
    margins: { top: 0, bottom: 0, left: 0, right: 0 },
    paddings,
  });
  chart.height = chart.baseHeight - paddings.top - paddings.bottom;
}

/** Our numbers on the y axis, and only the labels that fit on the x axis (the library makes a node for each point). */
function formatAxes(
  chart: Chart,
  options: LineChartOptions,
  ticks: () => readonly number[],
): void {
  const setup = chart.setupComponents.bind(chart);
  chart.setupComponents = () => {
    setup();
    const y = chart.components.get("yAxis")!;
    const makeY = y.makeElements.bind(y);
    y.makeElements = (data) =>
      makeY({ ...data, labels: data.labels.map((label) => options.formatY(Number(label))) });
    const x = chart.components.get("xAxis")!;
    const makeX = x.makeElements.bind(x);
    x.makeElements = (data) => {
      const scale = rootScale();
      const kept = ticksWithRoom(ticks(), data.positions, {
        apart: labelRoom * scale,
        end: chart.width - labelOverhang(String(chart.data.labels[0] ?? "")) * scale,
      });
      return makeX({
        ...data,
        positions: kept.map((index) => data.positions[index]!),
        calcLabels: kept.map((index) => chart.data.labels[index]!),
      });
    };
  };
}

/** The library fills its tip through innerHTML, with style attributes and labels as they come; ours is made of nodes. */
function replaceTip(chart: Chart, format: (value: number) => string): void {
  chart.tip.fill = function () {
    this.title.textContent = this.titleName + (this.titleValue ?? "");
    this.dataPointList.replaceChildren(
      ...this.listValues.map(({ title, value }, index) => {
        const item = document.createElement("li");
        item.className = `k${index}`;
        const name = document.createElement("span");
        name.textContent = title ?? "";
        const number = document.createElement("b");
        number.textContent = format(value);
        item.append(document.createElement("i"), name, number);
        return item;
      }),
    );
  };
}

/** A line at zero; also clears the gradients that the library leaves behind at each update. */
function drawZeroLine(chart: Chart): void {
  const render = chart.render.bind(chart);
  chart.render = (components, animate) => {
    chart.svgDefs?.replaceChildren();
    render(components, animate);
    if (!chart.drawArea || !chart.state.yAxis) return;
    chart.drawArea.querySelectorAll(".tw-zero").forEach((node) => node.remove());
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    const y = String(chart.state.yAxis.zeroLine);
    const attributes = { class: "tw-zero", x1: "0", x2: String(chart.width), y1: y, y2: y };
    for (const [name, value] of Object.entries(attributes)) line.setAttribute(name, value);
    chart.drawArea.append(line);
  };
}
