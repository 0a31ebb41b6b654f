/* An import's page while a worker is at it: the bar and the numbers move; a new state is a new page. */
const box = document.querySelector("[data-import]");
const id = box.dataset.import;
const number = (value) => value.toLocaleString("en");

function state(live, text) {
  const shown = document.getElementById("live-state");
  shown.dataset.live = live;
  shown.querySelector("[data-live-text]").textContent = text;
}

function take(frame) {
  if (frame.data?.id !== id) return;
  if (frame.data.state !== box.dataset.state) { location.reload(); return; }
  box.querySelector("progress").value = frame.data.percent;
  for (const [name, value] of Object.entries(frame.data.rows)) {
    box.querySelector(`[data-figure="${name}"]`).textContent = number(value);
  }
}

const socket = io("/admin", { transports: ["websocket"] });
let before = false;
socket.on("connect", async () => {
  if (before) { location.reload(); return; } // what happened meanwhile stands on the page
  before = true;
  const answer = await socket.timeout(5000).emitWithAck("subscribe", { topic: "imports" }).catch(() => null);
  state(answer?.ok ? "on" : "wait", answer?.ok ? "Live" : "Not allowed");
  if (answer?.ok) setTimeout(look, 1000);
});
socket.on("event", take);
socket.on("disconnect", () => state("wait", "Reconnecting"));
socket.on("connect_error", () => state("wait", "Reconnecting"));

/* The work may have ended before the socket was open: then no frame will come. */
async function look() {
  const page = await fetch(location.href, { headers: { Accept: "text/html" } }).then((answer) => answer.text()).catch(() => "");
  if (page && !page.includes(`data-state="${box.dataset.state}"`)) location.reload();
}
