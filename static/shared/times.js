/* Writes the times of a page in the reader's own zone; without scripts they stand in UTC. */
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export function localTime(at) {
  const time = new Date(at);
  const sameDay = time.toDateString() === new Date().toDateString();
  return sameDay ? clock.format(time) : `${day.format(time)}, ${clock.format(time)}`;
}

export function localise(root = document) {
  for (const node of root.querySelectorAll("time[data-local]")) node.textContent = localTime(node.dateTime);
}
