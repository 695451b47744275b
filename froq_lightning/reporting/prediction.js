// The table of all images: search, filters, sorting and paging over rows that are part of the page.
// Names come from strangers: they are written by textContent alone, and never become HTML.
"use strict";
{
  const PAGE = 25;
  const byId = (id) => document.getElementById(id);
  const { columns, remarks, subjects, defects, rows } = JSON.parse(byId("images-data").textContent);
  const place = Object.fromEntries(columns.map((name, number) => [name, number]));
  const finder = document.querySelector(".finder");
  const [table, text, status, low, high] = ["table", "text", "status", "low", "high"].map((name) => byId(`find-${name}`));
  const defect = byId("find-defect"); // only where defects were looked for
  const headers = [...table.querySelectorAll("th button")];
  const count = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");

  const value = {
    quality: (row) => row[place.score] ?? -Infinity, // finer than the quality, in the same order
    score: (row) => row[place.score] ?? -Infinity,
    image: (row) => row[place.image],
    subject: (row) => subjects[row[place.subject]],
    remark: (row) => remarks[row[place.remark]],
    defect: (row) => row[place.defects].map((number) => defects[number]).join(", "),
  };
  const hasStatus = {
    all: () => true,
    ok: (row) => row[place.quality] >= 0,
    remark: (row) => row[place.quality] >= 0 && value.remark(row) !== "",
    failed: (row) => row[place.quality] < 0,
    best: (row) => row[place.best] === 1,
  };

  // Made when they are first needed: for every row what is searched, and for every column the order of its rows.
  let searched = null;
  const orders = {};
  const view = { column: "quality", descending: false, page: 0, matches: [] };

  function searchedTexts() {
    const fields = [value.image, value.subject, value.remark, value.defect];
    searched ??= rows.map((row) => fields.map((field) => field(row)).join("\n").toLowerCase());
    return searched;
  }

  function order(column) {
    if (column in orders) return orders[column];
    const keys = rows.map(value[column]);
    const compare = (a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b);
    orders[column] = Uint32Array.from(rows.keys()).sort(compare);
    return orders[column];
  }

  function find() {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const texts = words.length ? searchedTexts() : [];
    const wanted = defects.indexOf(defect?.value);
    const isRanged = low.value !== "" || high.value !== "";
    const [from, to] = [low.value === "" ? 0 : Number(low.value), high.value === "" ? 100 : Number(high.value)];
    const fits = (at) => {
      const quality = rows[at][place.quality];
      return (
        hasStatus[status.value](rows[at]) &&
        (wanted < 0 || rows[at][place.defects].includes(wanted)) &&
        (!isRanged || (quality >= Math.max(from, 0) && quality <= to)) &&
        words.every((word) => texts[at].includes(word))
      );
    };
    view.matches = order(view.column).filter(fits);
    if (view.descending) view.matches.reverse();
    view.page = 0;
    show();
  }

  function pages() {
    return Math.max(Math.ceil(view.matches.length / PAGE), 1);
  }

  function show() {
    const start = view.page * PAGE;
    const shown = view.matches.subarray(start, start + PAGE);
    table.tBodies[0].replaceChildren(...Array.from(shown, (at) => tableRow(rows[at])));
    const all = view.matches.length < rows.length ? ` that fit, ${count(rows.length)} in all` : "";
    byId("find-count").textContent = view.matches.length
      ? `Images ${count(start + 1)} to ${count(start + shown.length)} of ${count(view.matches.length)}${all}`
      : `No image fits, ${count(rows.length)} in all`;
    document.querySelector(".pages").hidden = pages() === 1;
    byId("find-page").textContent = `Page ${count(view.page + 1)} of ${count(pages())}`;
    for (const name of ["first", "previous"]) byId(`find-${name}`).ariaDisabled = String(view.page === 0);
    for (const name of ["next", "last"]) byId(`find-${name}`).ariaDisabled = String(view.page + 1 === pages());
    for (const header of headers) {
      const sorted = view.descending ? "descending" : "ascending";
      header.parentElement.ariaSort = header.dataset.column === view.column ? sorted : "none";
    }
  }

  function tableRow(row) {
    const line = document.createElement("tr");
    line.role = "row"; // said again, since a narrow page lays rows out as grids
    for (const { dataset } of headers) {
      const cell = document.createElement(dataset.column === "image" ? "th" : "td");
      cell.className = dataset.column;
      cell.role = dataset.column === "image" ? "rowheader" : "cell";
      if (dataset.column === "quality") cell.append(...quality(row[place.quality]));
      else if (dataset.column === "score") cell.textContent = row[place.score]?.toFixed(4) ?? "";
      else cell.append(...breakable(value[dataset.column](row)));
      line.append(cell);
    }
    return line;
  }

  // A text that may break behind what parts its words, before it breaks within one.
  function breakable(text) {
    return text.match(/[^/_-]*[/_-]?/g).filter(Boolean).flatMap((part) => [part, document.createElement("wbr")]);
  }

  function quality(number) {
    const shown = document.createElement("b");
    shown.textContent = number < 0 ? "failed" : number;
    shown.className = number < 0 ? "failed" : "";
    if (number < 0) return [shown];
    const [whole, part] = [document.createElement("i"), document.createElement("i")];
    part.style.width = `${number}%`;
    whole.append(part);
    return [shown, whole];
  }

  function turn(page) {
    const next = Math.min(Math.max(page, 0), pages() - 1);
    if (next === view.page) return;
    view.page = next;
    show();
    byId("find-count").scrollIntoView({ block: "start" });
  }

  for (const field of [text, status, low, high, defect]) field?.addEventListener("input", find);
  for (const header of headers) {
    header.addEventListener("click", () => {
      view.descending = header.dataset.column === view.column && !view.descending;
      view.column = header.dataset.column;
      find();
    });
  }
  byId("find-reset").addEventListener("click", () => {
    for (const field of [text, low, high]) field.value = "";
    status.value = "all";
    if (defect) defect.value = "";
    Object.assign(view, { column: "quality", descending: false });
    find();
  });
  byId("find-first").addEventListener("click", () => turn(0));
  byId("find-previous").addEventListener("click", () => turn(view.page - 1));
  byId("find-next").addEventListener("click", () => turn(view.page + 1));
  byId("find-last").addEventListener("click", () => turn(pages() - 1));

  find();
  finder.hidden = false;
  document.querySelector(".needs-script").remove();
}
