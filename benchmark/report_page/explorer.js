
// The images of a run, by class and guide. All of a run's images are tiles of one picture.
function startExplorer(explorer) {
  const run = explorer.querySelector("[name=run]");
  const classes = explorer.querySelector("[name=class]");
  const guides = explorer.querySelector(".guides");
  const synthetic = explorer.querySelector(".synthetic");
  const facts = explorer.querySelector(".facts");
  const fact = (name, place) => sheet.tiles[name][place];
  let sheet;

  function showRun() {
    sheet = JSON.parse(document.getElementById(run.value).textContent);
    const count = sheet.tiles.kind.length;
    sheet.places = [...Array(count).keys()];
    sheet.columns = Math.ceil(Math.sqrt(count));
    sheet.rows = Math.ceil(count / sheet.columns);
    usePicture(explorer, sheet);
    const kept = classes.value;
    const names = [...new Set(sheet.tiles.class)];
    classes.replaceChildren(...names.map((name) => new Option(name)));
    if (names.includes(kept)) classes.value = kept;
    showClass();
  }

  // Keep the same guide selected, so that runs can be compared.
  function showClass() {
    const kept = guides.querySelector(":checked")?.value;
    const own = sheet.places.filter((place) => fact("class", place) === classes.value);
    const real = own.filter((place) => fact("kind", place) === "guide");
    guides.replaceChildren(...real.map(guideChoice));
    const inputs = [...guides.querySelectorAll("input")];
    const chosen = inputs.find((input) => input.value === kept) ?? inputs[0];
    if (chosen) chosen.checked = true;
    showGuide();
  }

  function showGuide() {
    const guide = guides.querySelector(":checked")?.value;
    const made = sheet.places.filter((place) => fact("kind", place) !== "guide" && fact("guide", place) === guide);
    synthetic.replaceChildren(...made.map(syntheticItem));
    if (made.length) showFacts(made[0]);
    else facts.querySelector("dl").replaceChildren();
  }

  function guideChoice(place) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    input.type = "radio";
    input.name = "guide";
    input.value = fact("guide", place);
    input.setAttribute("aria-label", input.value);
    label.title = input.value;
    label.append(input, tile(place));
    return label;
  }

  function syntheticItem(place) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const caption = document.createElement("small");
    button.type = "button";
    button.dataset.place = place;
    button.setAttribute("aria-label", described(place).map(([name, value]) => `${name}: ${value}`).join("; "));
    caption.textContent = weight(place);
    button.append(tile(place), caption);
    for (const event of ["focus", "mouseenter", "click"]) button.addEventListener(event, () => showFacts(place));
    item.append(button);
    return item;
  }

  function tile(place) {
    const element = document.createElement("span");
    element.className = "tile";
    aim(element, place);
    return element;
  }

  function aim(element, place) {
    const share = (number, count) => `${count > 1 ? (100 * number) / (count - 1) : 0}%`;
    element.style.setProperty("--x", share(place % sheet.columns, sheet.columns));
    element.style.setProperty("--y", share(Math.floor(place / sheet.columns), sheet.rows));
  }

  function showFacts(place) {
    for (const button of synthetic.querySelectorAll("button")) {
      button.setAttribute("aria-current", String(button.dataset.place === String(place)));
    }
    aim(facts.querySelector(".large"), place);
    facts.querySelector("dl").replaceChildren(...described(place).map(factLine));
  }

  const number = (name, place) => {
    const value = fact(name, place);
    return value === null ? "–" : String(Math.round(value * 1e4) / 1e4);
  };
  const weight = (place) => (fact("weight", place) === null ? "" : `weight ${fact("weight", place).toFixed(2)}`);

  function described(place) {
    return [
      ["Prompt", fact("prompt", place) || "–"],
      ["Noise σ", number("noise_std", place)],
      ["Strength", number("strength", place)],
      ["Guidance scale", number("guidance_scale", place)],
      ["Weight", number("weight", place)],
    ];
  }

  function factLine([name, value]) {
    const line = document.createElement("div");
    const term = document.createElement("dt");
    const meaning = document.createElement("dd");
    term.textContent = name;
    meaning.textContent = value;
    line.append(term, meaning);
    return line;
  }

  run.addEventListener("change", showRun);
  classes.addEventListener("change", showClass);
  guides.addEventListener("change", showGuide);
  run.form.addEventListener("submit", (event) => event.preventDefault());
  explorer.hidden = false;
  showRun();
}

// As a blob URL: a data URI of a picture is too long for a custom property, and browsers would cut it.
function usePicture(explorer, sheet) {
  const [head, body] = sheet.picture.split(",");
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  const old = explorer.dataset.picture;
  explorer.dataset.picture = URL.createObjectURL(new Blob([bytes], { type: head.slice(5).split(";")[0] }));
  explorer.style.setProperty("--sheet", `url("${explorer.dataset.picture}")`);
  explorer.style.setProperty("--columns", sheet.columns);
  explorer.style.setProperty("--rows", sheet.rows);
  if (old) URL.revokeObjectURL(old);
}

if (document.getElementById("explorer")) startExplorer(document.getElementById("explorer"));
