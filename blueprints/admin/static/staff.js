/* What every staff page needs of scripts: times in the reader's own zone. */
import { localise } from "../shared/times.js";

localise();

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

/* On a narrow screen the navigation is a line that moves sideways: begin where we are. */
document.querySelector(".staff-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
