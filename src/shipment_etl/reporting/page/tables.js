"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const config = read("config");

  // Formulas are quoted as text, so that a spreadsheet does not compute them, as in `shipment-etl show --format csv`.
  const cell = (value) => {
    if (value === null || value === "") return "";
    if (typeof value === "boolean") return value ? "True" : "False";
    if (typeof value !== "string") return String(value);
    const text = config.formulaStarts.some((start) => value.startsWith(start)) ? `'${value}` : value;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const csv = (columns, rows) => [columns, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
  const save = (name, text) => {
    const link = document.createElement("a");
    // The byte order mark tells a spreadsheet that this is UTF-8.
    link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
    link.download = `${name}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  const addButton = (table, read) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "csv", textContent: `Download ${table.dataset.file}.csv` });
    button.addEventListener("click", () => save(table.dataset.file, csv(...read())));
    table.closest(".scroll").after(button);
  };
  const seen = (each) => {
    const value = each.dataset.value ?? each.textContent.trim();
    return each.tagName === "TD" && each.classList.contains("num") && value !== "" && !Number.isNaN(Number(value)) ? Number(value) : value;
  };
  document.querySelectorAll("table[data-file]:not([data-mart])").forEach((table) => addButton(table, () => {
    const [head, ...rows] = [...table.rows].map((row) => [...row.cells].map(seen));
    return [head, rows];
  }));

  const MAX_SHOWN = 100;
  const say = (value) => {
    if (value === null) return "–";
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (typeof value === "string") return value;
    const digits = Number.isInteger(value) ? 0 : Math.abs(value) >= 1 ? 2 : 4;
    return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
  };
  const form = document.getElementById("filter");
  const marts = [...document.querySelectorAll("table[data-mart]")].map((table) => {
    const { columns, rows } = read(`rows-${table.dataset.mart}`);
    const mart = { table, columns, rows, chosen: rows };
    addButton(table, () => [columns, mart.chosen]);
    return mart;
  });
  const show = (mart, wanted) => {
    const { table, columns, rows } = mart;
    const time = columns.findIndex((name) => config.times.includes(name));
    const tests = [], without = [];
    wanted.forEach((value, name) => {
      const place = ["from", "to"].includes(name) ? time : columns.indexOf(name);
      if (place < 0) without.push(["from", "to"].includes(name) ? "period" : form.elements[name].labels[0].firstChild.textContent.toLowerCase());
      // A month is compared as a whole, by its prefix of the date.
      else if (name === "from") tests.push((row) => row[place] >= value.slice(0, row[place].length));
      else if (name === "to") tests.push((row) => row[place] <= value.slice(0, row[place].length));
      else tests.push((row) => row[place] === value);
    });
    mart.chosen = rows.filter((row) => tests.every((test) => test(row)));
    const numeric = [...table.tHead.rows[0].cells].map((head) => head.className);
    table.tBodies[0].replaceChildren(...mart.chosen.slice(0, MAX_SHOWN).map((row) => {
      const line = document.createElement("tr");
      line.append(...row.map((value, place) => Object.assign(document.createElement("td"), { className: numeric[place], textContent: say(value) })));
      return line;
    }));
    const count = (many) => `${say(many)} ${many === 1 ? "row" : "rows"}`;
    const cut = mart.chosen.length > MAX_SHOWN ? `, of which the first ${MAX_SHOWN} are shown` : "";
    const whole = wanted.has("from") || wanted.has("to") ? columns[time] === "month" ? " Months are shown in full." : "" : "";
    const kept = without.length ? ` Not filtered by ${[...new Set(without)].join(" and ")}: it has no such column.` : "";
    table.closest("details").querySelector("[role=status]").textContent = `${say(mart.chosen.length)} of ${count(rows.length)}${cut}.${whole}${kept}`;
  };
  if (form) {
    form.hidden = false;
    const update = () => {
      const wanted = new Map([...new FormData(form)].filter(([, value]) => value !== ""));
      marts.forEach((mart) => show(mart, wanted));
      document.dispatchEvent(new CustomEvent("filtered", { detail: wanted }));
    };
    form.addEventListener("change", update);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(update));
  }
})();
