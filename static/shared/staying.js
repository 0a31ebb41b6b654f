/* Warns before a session ends because nobody was here, and keeps it on request. The server alone decides when it ends. */
import { announce } from "./toast.js";

const WARN_SECONDS = 120;
const box = document.getElementById("staying");
const words = box.querySelector("p");
const stay = box.querySelector("button");
const back = box.querySelector("a");
let timer = 0;

/* Seconds left as the server knows it (another tab may have been used meanwhile); null where it does not answer. */
async function ask(method) {
  const address = method === "POST" ? "/session/stay" : "/session";
  try {
    const answer = await fetch(address, { method, headers: { "X-CSRFToken": box.dataset.csrf }, redirect: "manual" });
    if (answer.type === "opaqueredirect") return 0;
    return answer.ok ? (await answer.json()).seconds : null;
  } catch {
    return null;
  }
}

function say(text) {
  box.hidden = false;
  if (words.textContent === text) return;
  words.textContent = text;
  announce(text);
}

function arm(seconds) {
  clearTimeout(timer);
  const next = (after) => { timer = setTimeout(look, after * 1000, "GET"); };
  if (seconds === null) return next(15);
  stay.hidden = seconds <= 0;
  back.hidden = seconds > 0;
  if (seconds > WARN_SECONDS) {
    box.hidden = true;
    words.textContent = "";
    next(seconds - WARN_SECONDS);
  } else if (seconds > 0) {
    const minutes = Math.ceil(seconds / 60);
    say(`You will be signed out in ${minutes} minute${minutes === 1 ? "" : "s"}.`);
    next(Math.min(seconds + 1, 20));
  } else {
    back.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
    say("You were signed out because nobody was here for a while.");
  }
}

async function look(method) {
  arm(await ask(method));
}

stay.addEventListener("click", () => look("POST"));
/* Timers stand still while a machine sleeps. */
document.addEventListener("visibilitychange", () => { if (!document.hidden) look("GET"); });
arm(Number(box.dataset.seconds));
