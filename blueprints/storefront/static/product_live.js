/* Keeps a product's page true while it is open: stock and prices follow the product's topic; what matters is said once, politely. */
import { toast } from "../shared/toast.js";

const place = document.getElementById("product-live");
const topic = `product:${place.dataset.product}`;
const known = new Map(JSON.parse(place.dataset.variants).map((v) => [v.id, v]));
const form = document.querySelector("form[data-variants]");
const FEW = 5;

const { product, currency } = place.dataset;
const base = new Map();  // what variants cost in the shop's own currency, where another one is shown

const units = (v) => (v.available === "many" ? FEW + 1 : v.available);
const open = (v) => Boolean(v.price) && units(v) > 0;
const stockText = (v) => (!v.price ? `Not sold in ${currency}` : units(v) <= 0 ? "Sold out" : units(v) <= FEW ? `Only ${v.available} left` : "In stock");
const same = (a, b) => Object.keys({ ...a, ...b }).every((name) => a[name] === b[name]);

function money({ amount, currency }) {
  const format = new Intl.NumberFormat("en-US", { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

function priceHtml({ price, compare_at_price: was }) {
  if (!price) return '<span class="price none" aria-hidden="true">–</span>';
  const now = `<span class="num">${money(price)}</span>`;
  if (!was || was.amount <= price.amount) return `<span class="price">${now}</span>`;
  return `<span class="price reduced"><span class="hush">Now </span>${now} <s class="num was"><span class="hush">Was </span>${money(was)}</s></span>`;
}

/* The variant that the form means at this moment. */
function chosen() {
  const hidden = form?.querySelector("input[type=hidden][name=variant_id]");
  if (hidden) return known.get(hidden.value);
  const options = {};
  for (const radio of form?.querySelectorAll("input[type=radio]:checked") ?? []) options[radio.name.slice("option.".length)] = radio.value;
  return [...known.values()].find((v) => same(v.options, options));
}

const deed = (v) => (open(v) ? "Add to bag" : stockText(v));

/* What the picker reads when another variant is chosen. */
function keep(variant) {
  const entries = JSON.parse(form.dataset.variants);
  const entry = entries.find((e) => same(e.options, variant.options));
  if (!entry) return;
  Object.assign(entry, { available: open(variant), stock_text: stockText(variant), deed: deed(variant), price_html: priceHtml(variant) });
  form.dataset.variants = JSON.stringify(entries);
}

function draw(variant) {
  const add = form.querySelector("[data-add]");
  form.querySelector("[data-price]").innerHTML = priceHtml(variant);
  form.querySelector("[data-stock-text]").textContent = stockText(variant);
  form.querySelector("[data-stock]").dataset.stock = open(variant) ? "in" : "out";
  add.disabled = !open(variant);
  add.textContent = deed(variant);
}

/* The list of what one may wait for holds what is sold out. */
function offerAlert(variant) {
  const box = document.getElementById("stock-alert");
  const list = box?.querySelector("select");
  if (!list) return;
  const there = [...list.options].find((option) => option.value === variant.id);
  if (units(variant) > 0) there?.remove();
  else if (!there) list.add(new Option(Object.values(variant.options).join(" · ") || document.title, variant.id));
  box.hidden = !list.options.length;
}

const level = (v) => (!open(v) ? "out" : units(v) <= FEW ? "low" : "in");

/* The topic tells the shop's own prices. Where another currency is shown, a change of them says that it is time to ask. */
let asking = 0;
function askPrices(id, amount) {
  const before = base.get(id);
  base.set(id, amount);
  if (before === undefined || before === amount) return;
  clearTimeout(asking);
  asking = setTimeout(async () => {
    const answer = await fetch(`/api/v1/products/${product}?currency=${currency}`, { cache: "no-cache" });
    if (answer.ok) for (const v of (await answer.json()).variants) change(v.id, { price: v.price, compare_at_price: v.compare_at_price });
  }, 1500);
}

function receive(event) {
  if (event.topic !== topic) return;
  const { variant_id: id, price, compare_at_price, available } = event.data;
  if (event.type === "stock.updated") change(id, { available });
  else if (event.type === "price.updated" && price.currency !== currency) askPrices(id, price.amount);
  else if (event.type === "price.updated") change(id, { price, compare_at_price });
}

function change(id, what) {
  const variant = known.get(id);
  if (!variant) return;
  const { level: before, cost } = { level: level(variant), cost: variant.price?.amount };
  Object.assign(variant, what);
  offerAlert(variant);
  if (!form) return;
  keep(variant);
  if (chosen() !== variant) return;
  draw(variant);
  if (level(variant) !== before) toast(level(variant) === "in" ? "Back in stock" : stockText(variant));
  else if (variant.price && variant.price.amount !== cost) toast(`The price is now ${money(variant.price)}`);
}

/* The heart and the alert mean the variant that is chosen. */
form?.addEventListener("change", () => {
  const variant = chosen();
  if (!variant) return;
  const heart = document.querySelector(".tools [data-wish] [name=variant_id]");
  if (heart) heart.value = variant.id;
  const list = document.querySelector("#stock-alert select");
  if (list && units(variant) <= 0) list.value = variant.id;
});

const socket = io("/", { transports: ["websocket"], timeout: 8000 });
socket.on("connect", () => socket.emit("subscribe", { topic }, () => {}));
socket.on("event", receive);
/* Where the server ended or refused the socket, a token has run out. What is public needs none, but the cookie is there: the next page renews it. */
socket.on("disconnect", (reason) => { if (reason === "io server disconnect") setTimeout(() => socket.connect(), 5000); });
