/* One polite message at a time: shown in the corner and read out, then gone. */
let timer = 0;

export function announce(text) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = text;
}

export function toast(text, { read = true } = {}) {
  const box = document.getElementById("toast");
  if (!box) return;
  box.textContent = text;
  box.classList.add("shown");
  if (read) announce(text);
  clearTimeout(timer);
  timer = setTimeout(() => box.classList.remove("shown"), 6000);
}
