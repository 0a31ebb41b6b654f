/* Sharing an address: the device's own sheet where it has one, else the address is copied. */
import { toast } from "../shared/toast.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-share]");
  if (!button) return;
  const { share: url, shareTitle: title } = button.dataset;
  try {
    if (navigator.share) await navigator.share({ title, url });
    else { await navigator.clipboard.writeText(url); toast("The link is copied."); }
  } catch (error) {
    if (error.name !== "AbortError") prompt("The link:", url);
  }
});
