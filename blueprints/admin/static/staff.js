/* What every staff page needs of scripts: times in the reader's own zone. */
import { localise } from "../shared/times.js";

localise();

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
