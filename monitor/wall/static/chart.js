// The last hour of one channel: created as an area, answered as a line, missed as bars: they can
// be told apart without their colours.

import { setText } from "./dom.js";
import { count, minuteTime } from "./format.js";

const SERIES = ["created", "answered", "missed"];
const COUNT_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
const TIME_STEPS = [300, 600, 900, 1800, 3600];

export class HourChart {
  #element;
  #fields;
  #hour = { start: 0, step_seconds: 60 };
  #data = [[], [], [], []];
  #plot = null;

  constructor(fields) {
    this.#fields = fields;
    this.#element = fields.chart;
    new ResizeObserver(() => requestAnimationFrame(() => this.repaint())).observe(this.#element);
  }

  update(hour, clock) {
    this.#hour = hour ?? this.#hour;
    this.#data = columns(this.#hour, clock);
    this.#plot?.setData(this.#data);
    this.#showSums();
    const sums = SERIES.map((name) => `${count(this.#sum(name))} ${name}`).join(", ");
    this.#element.setAttribute("aria-label", `Tickets a minute in the last hour: ${sums}`);
  }

  /** Draws anew: the canvas knows neither the page's colours nor its type size. */
  repaint() {
    const { clientWidth: width, clientHeight: height } = this.#element;
    this.#plot?.destroy();
    this.#plot = null;
    if (width < 40 || height < 30) return;
    this.#plot = new uPlot(this.#options(width, height), this.#data, this.#element);
  }

  #options(width, height) {
    const style = getComputedStyle(this.#element);
    const size = Math.round(parseFloat(style.fontSize)); // uPlot misreads parts of a pixel
    return {
      width,
      height,
      legend: { show: false },
      padding: [size * 0.6, size * 1.5, 0, 0],
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { y: { range: (_plot, _least, most) => [0, Math.max(4, most * 1.05)] } },
      series: [{}, ...this.#series(size)],
      axes: axes(size, style),
      hooks: { setCursor: [(plot) => this.#showMinute(plot.cursor.idx)] },
    };
  }

  #series(size) {
    const [created, answered, missed] = SERIES.map((name) => this.#colour(name));
    const step = uPlot.paths.stepped({ align: 1 });
    const bars = uPlot.paths.bars({ size: [0.8, Infinity], align: 1 });
    const points = { show: false };
    return [
      { fill: created.replace(")", " / 0.45)"), width: 0, paths: step, points },
      { stroke: answered, width: size / 7, paths: step, points },
      { stroke: missed, fill: missed, width: 0, paths: bars, points },
    ];
  }

  // The legend's mark has the colour as the theme resolves it.
  #colour(name) {
    const mark = this.#fields[name].parentElement.querySelector("i");
    const [red, green, blue] = getComputedStyle(mark).color.match(/[\d.]+/g);
    return `rgb(${red} ${green} ${blue})`;
  }

  #sum(name) {
    return (this.#hour[name] ?? []).reduce((sum, value) => sum + (value ?? 0), 0);
  }

  #showSums() {
    if (this.#plot?.cursor.idx != null) return;
    setText(this.#fields.span, "last hour");
    for (const name of SERIES) setText(this.#fields[name], count(this.#sum(name)));
  }

  #showMinute(index) {
    if (index == null) return this.#showSums();
    const { start, step_seconds: step } = this.#hour;
    setText(this.#fields.span, minuteTime(start + index * step));
    for (const name of SERIES) setText(this.#fields[name], count(this.#hour[name]?.[index]));
  }
}

/** A minute that is not over yet would always look like a fall: its lines wait for its end. */
function columns(hour, clock) {
  const { start, step_seconds: step } = hour;
  const times = (hour.created ?? []).map((_value, index) => start + index * step);
  const whole = (value, index) => (times[index] + step <= clock ? value : null);
  const { created = [], answered = [], missed = [] } = hour;
  return [times, created.map(whole), answered.map(whole), missed.map((value) => value || null)];
}

function axes(size, style) {
  const shared = {
    font: `${size}px ${style.fontFamily}`,
    stroke: style.color,
    ticks: { show: false },
    gap: size * 0.4,
  };
  const grid = { stroke: style.borderTopColor, width: Math.max(1, size / 16) };
  const time = (_plot, values) => values.map(minuteTime);
  return [
    { ...shared, grid: { show: false }, size: size * 1.7, space: size * 5, incrs: TIME_STEPS, values: time },
    { ...shared, grid, size: size * 2.4, space: size * 2.2, incrs: COUNT_STEPS },
  ];
}
