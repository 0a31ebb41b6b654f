// Runs inside the headless browser that vendor_products.py starts: draws the one SVG on the page as square WebP
// pictures and leaves each as "<width> <data URL>" in an <output>. Trims the drawing's own margins so that every
// product fills its tile alike, and draws at four times the size because SVG filters have hard edges at one time.
const OVERSAMPLE = 4;
const MARGIN = 0.06;
const PROBE = 512;
const VISIBLE = 8; // of 255: fainter pixels are a filter's glow, not the drawing

function surface(size) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  return [canvas, canvas.getContext("2d", { willReadFrequently: true })];
}

function bounds(image) {
  const [, context] = surface(PROBE);
  context.drawImage(image, 0, 0, PROBE, PROBE);
  const pixels = context.getImageData(0, 0, PROBE, PROBE).data;
  const box = { left: PROBE, top: PROBE, right: 0, bottom: 0 };
  for (let index = 3, at = 0; index < pixels.length; index += 4, at += 1) {
    if (pixels[index] <= VISIBLE) continue;
    const x = at % PROBE;
    const y = (at - x) / PROBE;
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x + 1);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y + 1);
  }
  for (const side of Object.keys(box)) box[side] /= PROBE;
  return box;
}

function picture(image, width, quality, box) {
  let size = width * OVERSAMPLE;
  let [canvas, context] = surface(size);
  const scale = (size * (1 - 2 * MARGIN)) / Math.max(box.right - box.left, box.bottom - box.top);
  const x = (size - scale * (box.left + box.right)) / 2;
  const y = (size - scale * (box.top + box.bottom)) / 2;
  context.drawImage(image, x, y, scale, scale);
  while (size > width) { // an exact half each time is a plain average of four pixels
    size /= 2;
    const [half, onto] = surface(size);
    onto.drawImage(canvas, 0, 0, size, size);
    canvas = half;
  }
  return canvas.toDataURL("image/webp", quality);
}

addEventListener("load", () => {
  const image = document.querySelector("img");
  const { widths, quality } = JSON.parse(image.dataset.wanted);
  const box = bounds(image);
  for (const width of widths) {
    const output = document.createElement("output");
    output.textContent = `${width} ${picture(image, width, quality, box)}`;
    document.body.append(output);
  }
  image.remove();
});
