"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const config = read("config");
  // The AST interpreter, because the page's policy forbids eval.
  const options = { actions: false, ast: true, config: config.charts, defaultStyle: false, mode: "vega-lite", renderer: "svg", tooltip: { disableDefaultStyle: true } };

  // A chart has a parameter for each column that it can be filtered by, and lists the values that it has rows for.
  let wanted = new Map();
  const charts = new Map();
  const says = { day: "", week: " Weeks are shown in full.", month: " Months are shown in full.", year: " Years are shown in full." };
  const canFilter = ({ params = [], usermeta }, name, value) =>
    params.some((each) => each.name === name) && (usermeta.choices[name]?.includes(value) ?? true);
  const filter = (place) => {
    const { spec, view } = charts.get(place);
    (spec.params ?? []).forEach(({ name }) => {
      const value = wanted.get(name) ?? "";
      if (name in config.filters) view.signal(name, canFilter(spec, name, value) ? value : "");
    });
    return view.runAsync();
  };
  const sayFilter = (note) => {
    const spec = read(`chart-${note.dataset.of}`);
    const without = new Map();
    wanted.forEach((value, name) => {
      if (canFilter(spec, name, value)) return;
      const has = config.keys[note.dataset.rowsOf]?.includes(name);
      const why = !note.dataset.rowsOf ? "it counts the rows of all batches" : has ? "its rows do not fit on the page" : `${note.dataset.rowsOf} has no such column`;
      without.set(why, [...new Set([...(without.get(why) ?? []), config.filters[name]])]);
    });
    const whole = (wanted.has("from") || wanted.has("to")) && spec.params?.some(({ name }) => name === "from");
    const kept = [...without].map(([why, names]) => `Not filtered by ${names.join(" and ")}: ${why}.`).join(" ");
    note.textContent = (kept + (whole ? says[spec.usermeta.grain] : "")).trim();
  };
  document.addEventListener("filtered", (event) => {
    wanted = event.detail;
    charts.forEach((_, place) => filter(place));
    document.querySelectorAll(".unfiltered").forEach(sayFilter);
    document.querySelectorAll("[data-warehouse]").forEach((card) => {
      card.hidden = wanted.has("origin_warehouse") && wanted.get("origin_warehouse") !== card.dataset.warehouse;
    });
    drawAll(document);
  });

  const draw = (place) => {
    if (place.dataset.drawn) return;
    place.dataset.drawn = "asked";
    const spec = read(`chart-${place.dataset.chart}`);
    vegaEmbed(place, spec, options)
      .then(({ view }) => {
        charts.set(place, { spec, view });
        return wanted.size ? filter(place) : null;
      })
      .then(() => {
        // The page describes what a chart shows; its marks mean nothing without their axes.
        place.querySelector("svg").setAttribute("aria-hidden", "true");
        place.dataset.drawn = "done";
      })
      .catch((problem) => {
        place.dataset.drawn = "failed";
        place.textContent = `This chart could not be drawn: ${problem.message}`;
        console.error(problem);
      });
  };
  const drawAll = (root) => root.querySelectorAll(".chart").forEach((place) => { if (place.offsetParent !== null) draw(place); });
  drawAll(document);

  document.querySelectorAll("[role=tablist]").forEach((list) => {
    const tabs = [...list.querySelectorAll("[role=tab]")];
    const choose = (chosen) => tabs.forEach((tab) => {
      const panel = document.getElementById(tab.getAttribute("aria-controls"));
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      panel.hidden = tab !== chosen;
      if (tab === chosen) drawAll(panel);
    });
    tabs.forEach((tab, place) => {
      tab.tabIndex = place ? -1 : 0;
      tab.addEventListener("click", () => choose(tab));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = tabs[(place + step + tabs.length) % tabs.length];
        choose(next);
        next.focus();
      });
    });
  });

  document.querySelectorAll("table.sortable").forEach((table) => {
    const heads = [...table.tHead.rows[0].cells];
    const value = (row, place) => row.cells[place].dataset.value;
    heads.forEach((head, place) => head.querySelector("button").addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "descending" || (place === 0 && head.getAttribute("aria-sort") !== "ascending");
      heads.forEach((each) => each.setAttribute("aria-sort", each === head ? (up ? "ascending" : "descending") : "none"));
      const rows = [...table.tBodies[0].rows].sort((one, other) => {
        const [a, b] = [value(one, place), value(other, place)];
        // Unknown values come last in either order.
        if (a === "" || b === "") return (a === "") - (b === "");
        const order = place === 0 ? a.localeCompare(b) : Number(a) - Number(b);
        return up ? order : -order;
      });
      table.tBodies[0].append(...rows);
    }));
  });

  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  document.getElementById("theme").addEventListener("click", () => {
    const now = root.dataset.theme || (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
  });

  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.getAttribute("href").slice(1), link]));
  const watch = new IntersectionObserver((seen) => seen.forEach((each) => {
    if (!each.isIntersecting) return;
    links.forEach((link) => link.removeAttribute("aria-current"));
    links.get(each.target.id)?.setAttribute("aria-current", "true");
  }), { rootMargin: "-20% 0px -70% 0px" });
  links.forEach((_, id) => watch.observe(document.getElementById(id)));
})();
