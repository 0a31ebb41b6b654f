/* The hold of a checkout: counts down in sight, goes on while somebody is at work here, and warns before its end. */
import { toast } from "../shared/toast.js";

const EXTEND_MS = 60_000;
const WARN_MS = 120_000;
const place = document.getElementById("checkout");
let extended = Date.now();
let warned = "";

function left() {
  const box = document.getElementById("hold");
  return box ? Date.parse(box.dataset.until) - Date.now() : null;
}

function draw() {
  const box = document.getElementById("hold");
  const ms = left();
  if (ms === null) return;
  const s = Math.max(0, Math.ceil(ms / 1000));
  box.querySelector("[data-left]").textContent = s ? `, ${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")} left` : ", which is over";
  if (ms < WARN_MS && warned !== box.dataset.until) warn(box.dataset.until);
}

function warn(until) {
  warned = until;
  toast("What is in your bag is held for two more minutes. Any change here keeps it longer.");
}

/* Working on the page keeps the hold, once a minute at most; the review's own request does it. */
function extend() {
  if (Date.now() - extended < EXTEND_MS || document.hidden) return;
  extended = Date.now();
  place.querySelector("[data-requote]")?.dispatchEvent(new Event("change", { bubbles: true }));
}

for (const name of ["input", "pointerdown", "keydown"]) place.addEventListener(name, extend);
document.addEventListener("htmx:after:swap", draw);
setInterval(draw, 1000);
draw();

if (place.dataset.cart) {
  const topic = `cart:${place.dataset.cart}`;
  const socket = io("/", { transports: ["websocket"], timeout: 8000 });
  socket.on("connect", () => socket.emit("subscribe", { topic }, () => {}));
  socket.on("event", (event) => {
    if (event.topic !== topic) return;
    if (event.type === "hold.expiring") warn(event.data.expires_at);
    if (event.type === "cart.updated") setTimeout(() => place.querySelector("[data-requote]")?.dispatchEvent(new Event("change", { bubbles: true })), 150);
  });
  socket.on("disconnect", (reason) => { if (reason === "io server disconnect") setTimeout(() => socket.connect(), 5000); });
}
