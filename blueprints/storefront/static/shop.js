/* Behaviour of the shop pages that plain HTML cannot give: the drawer, steppers, variants, busy buttons. */
import { announce, toast } from "../shared/toast.js";
import { localise } from "../shared/times.js";

const drawer = document.getElementById("drawer");

function openDrawer() {
  if (!drawer || drawer.open) return;
  const body = document.getElementById("drawer-body");
  if (!body.childElementCount) body.append(document.getElementById("drawer-waiting").content.cloneNode(true));
  drawer.showModal();
}

/* The drawer opens at once; what it holds arrives a moment later. */
document.addEventListener("htmx:before:request", (event) => {
  if (event.detail.ctx.sourceElement.closest?.("[data-opens-drawer]")) openDrawer();
});
document.addEventListener("htmx:after:swap", (event) => {
  localise(event.target.getRootNode());
  const said = document.querySelector("#drawer-body [role=status]");
  if (said && event.detail.ctx.target?.id === "drawer-body") announce(said.textContent);
});
/* A part answers with a part, also when it refuses; a whole page is an error page and does not belong inside another. */
document.addEventListener("htmx:before:swap", (event) => {
  const { response, text, sourceElement } = event.detail.ctx;
  if (!response || response.status < 400 || !/^\s*<!doctype/i.test(text)) return;
  event.preventDefault();
  drawer?.close();
  if (sourceElement !== document.body) toast("That did not work. Please reload the page and try again.");
});
/* What scripts ask for by themselves fails quietly and is asked for again. */
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx?.sourceElement === document.body) return;
  drawer?.close();
  toast("No answer from the shop. Please check the connection and try again.");
});
drawer?.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });

document.addEventListener("click", (event) => {
  const step = event.target.closest("[data-step]");
  if (!step || step.tagName !== "BUTTON") return;
  const input = step.parentElement.querySelector("input[type=number]");
  const before = input.value;
  if (Number(step.dataset.step) > 0) input.stepUp(); else input.stepDown();
  if (input.value !== before) input.dispatchEvent(new Event("change", { bubbles: true }));
});

/* A form that must be sent once: the button says that it is at work and does not send again. */
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]") || event.defaultPrevented) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  const button = event.submitter ?? form.querySelector("[type=submit]");
  if (button?.dataset.busy) { button.dataset.idle = button.innerHTML; button.textContent = button.dataset.busy; button.ariaBusy = "true"; }
});
/* Coming back with the Back button finds the form ready again. */
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[data-idle]")) { button.innerHTML = button.dataset.idle; button.ariaBusy = null; }
  }
});

/* The choice of options names one variant; price and stock follow it without moving the page. */
function followVariant(form) {
  const variants = JSON.parse(form.dataset.variants);
  const chosen = {};
  for (const radio of form.querySelectorAll("input[type=radio]:checked")) chosen[radio.name.slice("option.".length)] = radio.value;
  const match = variants.find((v) => Object.entries(chosen).every(([name, value]) => v.options[name] === value));
  const add = form.querySelector("[data-add]");
  const open = Boolean(match?.available);
  if (match) form.querySelector("[data-price]").innerHTML = match.price_html;
  form.querySelector("[data-stock-text]").textContent = match ? match.stock_text : "Not made in this combination";
  form.querySelector(".buy-stock").dataset.stock = open ? "in" : "out";
  add.disabled = !open;
  add.textContent = match ? match.deed : "Not available";
}
const buy = document.querySelector("form[data-variants]");
buy?.addEventListener("change", (event) => { if (event.target.type === "radio") followVariant(buy); });

/* A menu closes when somebody goes elsewhere. */
for (const name of ["click", "focusin"]) document.addEventListener(name, (event) => {
  for (const menu of document.querySelectorAll("[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("[data-menu][open]");
  if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
});

/* Filters start folded on a narrow screen. */
const box = document.querySelector(".filter-box");
if (box && matchMedia("(max-width: 59.99rem)").matches) box.open = false;

localise();
