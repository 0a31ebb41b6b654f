/* A canned reply is put where the cursor stands, beside what is written already. */
document.querySelector("[data-canned]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const place = document.getElementById("f-body");
  const words = event.target.elements.canned.selectedOptions[0].dataset.words;
  place.setRangeText(words, place.selectionStart, place.selectionEnd, "end");
  place.focus();
});
