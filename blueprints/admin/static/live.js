/* The live operations page: takes the merged ticks and the order feed from the staff namespace and draws them. */
import { announce } from "../shared/toast.js";
import { localTime } from "../shared/times.js";
import { Chart } from "./charts.js";

const CLASSES = ["vip", "high", "standard"];
const SLOW_MS = { vip: 2_000, high: 5_000, standard: 30_000 }; // beyond this a class is called slow
const FEED_ROWS = 50;
const STALE_MS = 5_000;

const depth = new Chart("depth-chart", "depth-legend", [{ key: "vip", label: "VIP" }, { key: "high", label: "High" }, { key: "standard", label: "Standard" }]);
const rate = new Chart("rate-chart", "rate-legend", [{ key: "placed", label: "Placed" }, { key: "confirmed", label: "Confirmed" }, { key: "failed", label: "Failed" }]);
let paused = false;
let updated = 0;
let held = []; // frames that came while paused

const byId = (id) => document.getElementById(id);
const number = (value, places = 0) => (value ?? null) === null ? "–" : value.toLocaleString("en", { maximumFractionDigits: places, minimumFractionDigits: places });
const seconds = (value) => (value ?? null) === null ? "–" : value < 60 ? `${number(value, value < 10 ? 1 : 0)} s` : `${number(Math.floor(value / 60))} min`;
const millis = (value) => (value ?? null) === null ? "–" : value < 1000 ? `${number(value)} ms` : `${number(value / 1000, 1)} s`;
const pair = (spread) => (spread?.p95 ?? 1000) < 1000 ? `${number(spread.p50)} / ${millis(spread.p95)}` : `${millis(spread?.p50)} / ${millis(spread?.p95)}`;
const money = (value, whole = false) => value
  ? new Intl.NumberFormat("en-US", { style: "currency", currency: value.currency, ...(whole && { maximumFractionDigits: 0 }) }).format(value.amount / 10 ** digits(value.currency))
  : "–";
const digits = (currency) => new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
const words = (code) => (code ?? "").replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase()).replace(/\bvip\b/i, "VIP");

function element(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}
function figure(key, text) { document.querySelector(`[data-figure="${key}"]`).textContent = text; }
function cell(name, key) { return document.querySelector(`[data-class="${name}"] [data-cell="${key}"]`); }

function onMetrics(data, at) {
  figure("placed_per_s", number(data.placed_per_s, 1));
  figure("confirmed_per_s", number(data.confirmed_per_s, 1));
  figure("failed_per_s", number(data.failed_per_s, 1));
  figure("orders_today", number(data.orders_today));
  figure("revenue_today", money(data.revenue_today, data.revenue_today?.amount >= 1_000_000));
  figure("sockets", number(data.sockets));
  figure("processing", pair(data.processing_ms));
  for (const name of CLASSES) {
    cell(name, "p50").textContent = millis(data.wait_ms?.[name]?.p50);
    cell(name, "p95").textContent = millis(data.wait_ms?.[name]?.p95);
  }
  const rows = Object.entries(data.workers ?? {}).map(([name, state]) => {
    const row = element("div");
    row.append(element("dt", name), element("dd", state === null ? "never seen" : `seen ${seconds(state)} ago`, "num"));
    return row;
  });
  if (rows.length) byId("workers").replaceChildren(...rows);
  rate.add(at, [data.placed_per_s ?? 0, data.confirmed_per_s ?? 0, data.failed_per_s ?? 0]);
  rate.show();
}

function onQueues(data, at) {
  for (const name of CLASSES) {
    const waiting = data.waiting?.[name] ?? { count: 0, oldest_seconds: 0 };
    cell(name, "count").textContent = number(waiting.count);
    cell(name, "oldest").textContent = waiting.count ? seconds(waiting.oldest_seconds ?? 0) : "–";
    const slow = waiting.count > 0 && (waiting.oldest_seconds ?? 0) * 1000 > SLOW_MS[name];
    cell(name, "state").replaceChildren(element("span", slow ? "Slow" : waiting.count ? "Moving" : "Clear", `badge ${slow ? "warn" : "good"}`));
  }
  byId("queues").replaceChildren(...(data.queues ?? []).map((queue) => {
    const row = element("tr");
    const head = element("th", queue.name);
    head.scope = "row";
    row.append(head, element("td", number(queue.depth), "num end"), element("td", queue.depth ? seconds(queue.oldest_seconds) : "–", "num end"));
    return row;
  }));
  depth.add(at, CLASSES.map((name) => data.waiting?.[name]?.count ?? 0));
  depth.show();
}

const TONES = { confirmed: "good", completed: "good", payment_failed: "bad", cancelled: "bad", on_hold: "warn" };
function feedRow(order) {
  const row = element("tr", undefined, "fresh");
  row.dataset.number = order.number;
  const head = element("th", undefined, "num");
  head.scope = "row";
  const link = element("a", order.number);
  link.href = `/admin/orders/${encodeURIComponent(order.number)}`;
  head.append(link);
  const status = element("td");
  status.append(element("span", words(order.status), `badge ${TONES[order.status] ?? ""}`));
  const priority = element("td");
  priority.append(element("span", undefined, `dot dot-${order.priority}`), words(order.priority));
  const at = element("td", undefined, "end");
  const time = element("time", localTime(order.at), "num");
  time.dateTime = order.at;
  at.append(time);
  row.append(head, status, priority, element("td", money(order.total), "num end"), element("td", order.country ?? ""), at);
  return row;
}

/* An order that is listed already changes in its row; a new one comes in at the top. */
function onFeed(data) {
  const feed = byId("feed");
  for (const order of data.orders ?? []) {
    const old = feed.querySelector(`[data-number="${CSS.escape(order.number)}"]`);
    const row = feedRow(order);
    if (old) { row.classList.remove("fresh"); old.replaceWith(row); } else feed.prepend(row);
  }
  while (feed.rows.length > FEED_ROWS) feed.lastElementChild.remove();
  byId("feed-empty").hidden = feed.rows.length > 0;
}

const HANDLERS = { "metrics.tick": onMetrics, "queue.tick": onQueues, "order.feed": onFeed };
function take(frame) {
  updated = Date.now();
  if (paused) { held = [...held, frame].slice(-600); return; }
  HANDLERS[frame.type]?.(frame.data, Date.parse(frame.at) / 1000 || updated / 1000);
}

function pause() {
  paused = !paused;
  const button = byId("pause");
  button.setAttribute("aria-pressed", String(paused));
  button.querySelector("span").textContent = paused ? "Go on" : "Pause";
  const use = button.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, paused ? "#play" : "#pause"));
  announce(paused ? "The page stands still" : "The page moves again");
  if (!paused) { const frames = held; held = []; frames.forEach(take); }
}

function state(live, text) {
  const box = byId("live-state");
  box.dataset.live = live;
  box.querySelector("[data-live-text]").textContent = text;
}

function age() {
  if (!updated) return;
  const old = Date.now() - updated;
  byId("age").textContent = `${Math.floor(old / 1000)} s ago`;
  if (old > STALE_MS && byId("live-state").dataset.live === "on") state("wait", "Quiet");
  else if (old <= STALE_MS && byId("live-state").dataset.live === "wait" && socket.connected) state("on", "Live");
}

const socket = io("/admin", { transports: ["websocket"] });
socket.on("connect", async () => {
  const answers = await Promise.all(["metrics", "orders", "queues"].map((topic) =>
    socket.timeout(5000).emitWithAck("subscribe", { topic }).catch(() => null)));
  if (answers.every((answer) => answer?.ok)) state("on", "Live"); else state("wait", "Not allowed");
});
socket.on("event", take);
socket.on("disconnect", (reason) => {
  state("wait", "Reconnecting");
  if (reason === "io server disconnect") setTimeout(() => socket.connect(), 2000);
});
socket.on("connect_error", () => state("wait", "Reconnecting"));
byId("pause").addEventListener("click", pause);
setInterval(age, 1000);
