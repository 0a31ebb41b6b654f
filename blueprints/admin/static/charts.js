/* Two line charts over one shared span of time, with one crosshair. Colours follow the theme; the numbers also stand in tables. */
const SPAN = 180; // seconds shown
const time = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const colour = (name) => getComputedStyle(document.querySelector(`.dot-${name}`)).getPropertyValue("background-color");
const ink = (token) => {
  const probe = document.createElement("span");
  probe.className = `ink-${token}`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
};

export class Chart {
  constructor(boxId, legendId, series) {
    this.box = document.getElementById(boxId);
    this.series = series;
    this.data = [[], ...series.map(() => [])];
    this.drawLegend(document.getElementById(legendId));
    this.draw();
    new ResizeObserver(() => this.plot.setSize(this.size())).observe(this.box);
    document.addEventListener("theme-changed", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  add(at, values) {
    this.data[0].push(at);
    values.forEach((value, i) => this.data[i + 1].push(value));
    while (this.data[0][0] < at - SPAN) this.data.forEach((column) => column.shift());
  }

  show() {
    this.plot.setData(this.data, false);
    const last = this.data[0].at(-1) ?? Date.now() / 1000;
    this.plot.setScale("x", { min: last - SPAN, max: last });
  }

  size() { return { width: this.box.clientWidth, height: this.box.clientHeight }; }

  draw() {
    this.plot?.destroy();
    const axis = { stroke: ink("muted"), grid: { stroke: ink("line"), width: 1 }, ticks: { show: false }, font: "12px Inter Variable" };
    const clock = { ...axis, space: 70, size: 28, values: (_u, ticks) => ticks.map((at) => time.format(at * 1000)) };
    this.plot = new uPlot({
      ...this.size(),
      legend: { show: false },
      cursor: { sync: { key: "staff" }, y: false },
      scales: { y: { range: (_u, _min, max) => [0, Math.max(4, max * 1.15)] } },
      axes: [clock, { ...axis, size: 44 }],
      series: [{}, ...this.series.map((s) => ({ label: s.label, stroke: colour(s.key), width: 2, points: { show: false } }))],
    }, this.data, this.box);
    this.show();
  }

  drawLegend(place) {
    for (const { key, label } of this.series) {
      const item = document.createElement("span");
      const dot = document.createElement("span");
      dot.className = `dot dot-${key}`;
      item.append(dot, label);
      place.append(item);
    }
  }
}
