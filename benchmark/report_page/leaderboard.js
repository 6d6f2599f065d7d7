"use strict";

// Sort and filter the tables. Without this script they are plain tables.
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("th[data-sort]").forEach((heading) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sortBy(table, heading));
  });
}

// The first click sorts numbers from the largest and names from A; a second click reverses the order.
function sortBy(table, heading) {
  const numeric = heading.dataset.sort === "number";
  const first = numeric ? "descending" : "ascending";
  const second = numeric ? "ascending" : "descending";
  const order = heading.getAttribute("aria-sort") === first ? second : first;
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", order);
  const body = table.tBodies[0];
  const sign = order === "ascending" ? 1 : -1;
  const rows = [...body.rows].map((row) => [sortValue(row.cells[heading.cellIndex], numeric), row]);
  rows.sort(([a], [b]) => compare(a, b, sign));
  body.append(...rows.map(([, row]) => row));
}

function sortValue(cell, numeric) {
  const text = cell.dataset.value ?? cell.textContent.trim();
  if (!numeric) return text;
  return text === "" ? null : Number(text);
}

// Unknown values come last in either order.
function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));
}

for (const form of document.querySelectorAll("form[data-table]")) {
  // Not form.dataset: a select named "dataset" hides it.
  const rows = [...document.getElementById(form.getAttribute("data-table")).tBodies[0].rows];
  const selects = [...form.querySelectorAll("select")];
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  // Typing fires "input"; choosing an option fires only "change" in some browsers.
  for (const event of ["input", "change"]) form.addEventListener(event, () => filter(form, rows, selects));
}

function filter(form, rows, selects) {
  const wanted = form.elements.method.value.trim().toLowerCase();
  for (const row of rows) {
    const chosen = selects.every((select) => !select.value || select.value === row.dataset[select.name]);
    row.hidden = !(chosen && row.dataset.method.toLowerCase().includes(wanted));
  }
  const shown = rows.filter((row) => !row.hidden).length;
  form.querySelector("[role=status]").textContent =
    shown === rows.length ? "" : `${shown || "None"} of ${rows.length} lines ${shown === 1 ? "fits" : "fit"}`;
}
