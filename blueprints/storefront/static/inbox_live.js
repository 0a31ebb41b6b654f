/* Keeps the number on the inbox true on every page of a member, and the open inbox with it. */
import { toast } from "../shared/toast.js";
import { localise } from "../shared/times.js";

const WAIT_MS = 5000;
const badge = () => document.getElementById("unread-count");

function show(unread) {
  const place = badge();
  if (!place) return;
  place.hidden = unread === 0;
  place.querySelector("[data-number]").textContent = unread < 1000 ? unread : "999+";
}

async function redraw() {
  const list = document.getElementById("inbox-list");
  if (!list) return;
  await htmx.ajax("GET", list.dataset.fragment, { target: "#inbox-list", swap: "outerMorph" });
  localise(document.getElementById("inbox-list"));
}

/* What was missed while the connection was away. */
async function catchUp() {
  try {
    const answer = await fetch("/account/inbox/unread", { headers: { "HX-Request": "true" }, redirect: "error" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("unread-count");
    if (fresh) badge()?.replaceWith(fresh);
    await redraw();
  } catch { /* the next event, or the next page, has it */ }
}

function receive(event) {
  if (event.topic !== "account" || !event.type.startsWith("notification.")) return;
  show(event.data.unread);
  redraw();
  /* The page of an order says by itself what happens to it. */
  if (event.type === "notification.created" && !document.getElementById("order-live")) toast("A new message is in your inbox");
}

function connect() {
  const socket = io("/", { transports: ["websocket"], timeout: 8000 });
  let first = true;
  socket.on("connect", async () => {
    const answer = await socket.timeout(WAIT_MS).emitWithAck("subscribe", { topic: "account" }).catch(() => null);
    document.documentElement.dataset.inbox = answer?.ok ? "live" : "away";
    if (!first) catchUp();
    first = false;
  });
  socket.on("event", receive);
  socket.on("disconnect", (reason) => {
    document.documentElement.dataset.inbox = "away";
    if (reason === "io server disconnect") setTimeout(() => socket.connect(), WAIT_MS);
  });
}

/* The library comes with the first page that has none of its own. */
function withLibrary(work) {
  if (globalThis.io) { work(); return; }
  const script = document.createElement("script");
  script.src = document.getElementById("inbox-live").dataset.socket;
  script.addEventListener("load", work);
  document.head.append(script);
}

/* A member who has not chosen a time zone most likely lives in that of their device. */
const zones = document.querySelector("[data-time-zone=guess]");
if (zones) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...zones.options].some((option) => option.value === here)) zones.value = here;
}

if (badge()) withLibrary(connect);
