"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const config = read("config");
  // The interpreter, because the page's own policy lets no text become code.
  const options = { actions: false, ast: true, config: config.charts, defaultStyle: false, mode: "vega-lite", renderer: "svg", tooltip: { disableDefaultStyle: true } };

  const draw = (place) => {
    if (place.dataset.drawn) return;
    place.dataset.drawn = "asked";
    vegaEmbed(place, read(`chart-${place.dataset.chart}`), options)
      .then(() => {
        // The page says what a chart shows; its marks say nothing without their axes.
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
        // What is unknown comes last, either way.
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
