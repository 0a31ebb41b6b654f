/* Keeps an order page true without touching it: follows the order's events over a WebSocket and, without one, by asking again. */
import { toast } from "../shared/toast.js";
import { localise } from "../shared/times.js";

const POLL_MS = 30_000;
const POLL_DOWN_MS = 5_000;
const page = () => document.getElementById("order-live");
const topic = `order:${page().dataset.order}`;
const pending = new Map(); // events that arrived ahead of their turn, by seq

let seen = Number(page().dataset.seq) || 0;
let fetching = false;
let again = false;
let timer = 0;

function show(state, text) {
  const box = document.getElementById("live-state");
  box.dataset.live = state;
  box.querySelector("[data-live-text]").textContent = text;
}

/* The server draws the page part anew; its headline is what changed for the reader. */
async function refresh() {
  if (fetching) { again = true; return; }
  fetching = true;
  const before = document.getElementById("headline").textContent;
  try {
    await htmx.ajax("GET", page().dataset.fragment, { target: "#order-live", swap: "outerMorph" });
    seen = Math.max(seen, Number(page().dataset.seq) || 0);
    for (const seq of pending.keys()) if (seq <= seen) pending.delete(seq);
    localise(page());
    const after = document.getElementById("headline").textContent;
    if (after !== before) toast(`Order ${page().dataset.order}: ${after}`);
  } finally {
    fetching = false;
    if (again) { again = false; refresh(); }
  }
}

/* Events count in order and once; a hole is filled by the fragment, which always holds everything. */
function receive(event) {
  if (event.topic !== topic || event.seq <= seen) return;
  pending.set(event.seq, event);
  while (pending.delete(seen + 1)) seen += 1;
  refresh();
}

function poll(every) {
  clearInterval(timer);
  timer = setInterval(() => { if (!document.hidden) refresh(); }, every);
}

function connect() {
  const token = page().dataset.token;
  const socket = io("/", { transports: ["websocket"], timeout: 8000, auth: token ? { order_token: token } : {} });
  let first = true;
  socket.on("connect", async () => {
    const answer = await socket.timeout(5000).emitWithAck("subscribe", { topic, after: seen }).catch(() => null);
    if (!answer?.ok) { show("wait", "Checking now and then"); poll(POLL_DOWN_MS); return; }
    show("on", "Live");
    poll(POLL_MS);
    if (!first || answer.latest > seen) refresh();
    first = false;
  });
  socket.on("event", receive);
  const down = () => { show("wait", "Reconnecting"); poll(POLL_DOWN_MS); };
  /* Where the server closed or refused the socket, a token has run out: the page renews it, then the socket comes back. */
  const renew = () => setTimeout(async () => { await refresh(); socket.connect(); }, 2000);
  socket.on("disconnect", (reason) => { down(); if (reason === "io server disconnect") renew(); });
  socket.on("connect_error", () => { down(); if (!socket.active) renew(); });
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
poll(POLL_DOWN_MS); // until the socket stands
connect();
