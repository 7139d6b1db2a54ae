"use strict";
// A press on a column's name sorts its table: upwards, and downwards at the next press.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement;
    const body = head.closest("table").tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...body.rows].map((row) => ({ row, cell: row.cells[head.cellIndex] }));
    rows.sort((a, b) => compare(a.cell, b.cell, up));
    body.append(...rows.map(({ row }) => row));
  });
}

// Numbers by their value, words by the alphabet; an empty cell comes last both ways.
function compare(a, b, up) {
  const empty = (a.textContent === "") - (b.textContent === "");
  if (empty !== 0) return empty;
  const numbers = "value" in a.dataset && "value" in b.dataset;
  const order = numbers
    ? a.dataset.value - b.dataset.value
    : a.textContent.localeCompare(b.textContent, "en", { numeric: true });
  return up ? order : -order;
}
