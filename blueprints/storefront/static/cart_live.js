/* Keeps the open bag in step with other devices: a change there draws the bag's part anew, without touching the page. */
const place = document.getElementById("cart-body");
const topic = `cart:${place.dataset.cart}`;
const stateIn = (root) => root.querySelector("#cart-state")?.dataset.state;
let asking = false;
let again = false;

/* What this page changed itself it shows already, with its undo: only another state is drawn. */
async function refresh() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    const answer = await fetch(place.dataset.fragment, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const now = stateIn(new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (now !== undefined && now !== stateIn(document)) await htmx.ajax("GET", place.dataset.fragment, { target: "#cart-body", swap: "innerMorph" });
  } catch { /* the next event, or coming back to the page, asks again */ } finally {
    asking = false;
    if (again) { again = false; refresh(); }
  }
}

if (place.dataset.cart) {
  const socket = io("/", { transports: ["websocket"], timeout: 8000 });
  let first = true;
  socket.on("connect", async () => {
    await socket.timeout(5000).emitWithAck("subscribe", { topic }).catch(() => null);
    place.dataset.live = "on";
    if (!first) refresh();
    first = false;
  });
  socket.on("event", (event) => { if (event.topic === topic && event.type === "cart.updated") setTimeout(refresh, 150); });
  socket.on("disconnect", (reason) => { if (reason === "io server disconnect") setTimeout(() => socket.connect(), 5000); });
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
