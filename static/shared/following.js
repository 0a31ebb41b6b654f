/* Keeps parts of a page true: each follows its topic, and the server draws it anew at every event; without a socket it is asked for now and then. */
import { toast } from "./toast.js";
import { localise } from "./times.js";

const POLL_MS = 30_000;
const POLL_DOWN_MS = 5_000;
const part = () => document.querySelector("[data-follow]");
const { follow: topic, namespace = "/", only } = part().dataset;
let state = ["wait", "Connecting"];
let last = "";
let fetching = false;
let again = false;
let timer = 0;

function show(live, text) {
  state = [live, text];
  const box = part().querySelector(".live-state");
  if (!box) return;
  box.dataset.live = live;
  box.querySelector("[data-live-text]").textContent = text;
}

/* What is typed beside the part stays; a form there gets the version that is shown now. */
function replace(html) {
  const fresh = html !== last && new DOMParser().parseFromString(html, "text/html").querySelector("[data-follow]");
  if (!fresh) return;
  last = html;
  const { told } = part().dataset;
  part().replaceWith(fresh);
  localise(fresh);
  show(...state);
  for (const field of document.querySelectorAll("input[name=version][data-fresh]")) field.value = fresh.dataset.version;
  if (Number(fresh.dataset.told) > Number(told)) toast(fresh.dataset.news);
}

async function refresh() {
  if (fetching) { again = true; return; }
  fetching = true;
  try {
    const answer = await fetch(part().dataset.fragment, { headers: { Accept: "text/html" } });
    if (answer.ok && !answer.redirected) replace(await answer.text());
  } catch { /* the next round asks again */ } finally {
    fetching = false;
    if (again) { again = false; refresh(); }
  }
}

function poll(every) {
  clearInterval(timer);
  timer = setInterval(() => { if (!document.hidden) refresh(); }, every);
}

const socket = io(namespace, { transports: ["websocket"], timeout: 8000 });
socket.on("connect", async () => {
  const answer = await socket.timeout(5000).emitWithAck("subscribe", { topic }).catch(() => null);
  show(answer?.ok ? "on" : "wait", answer?.ok ? "Live" : "Checking now and then");
  poll(answer?.ok ? POLL_MS : POLL_DOWN_MS);
  refresh(); // what happened before the socket stood
});
socket.on("event", (event) => { if (event.topic === topic && (!only || event.data.ticket_id === only)) refresh(); });
const down = () => { show("wait", "Reconnecting"); poll(POLL_DOWN_MS); };
/* Where the server closed or refused the socket, a token has run out: asking for the part renews it. */
const renew = () => setTimeout(async () => { await refresh(); socket.connect(); }, 2000);
socket.on("disconnect", (reason) => { down(); if (reason === "io server disconnect") renew(); });
socket.on("connect_error", () => { down(); if (!socket.active) renew(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
poll(POLL_DOWN_MS);
