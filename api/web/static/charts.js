// The value of a chart where a pointer, a finger or an arrow key is. Without this file a chart is a picture, and the
// table below it has its values.
// `data-runs`: [first step, last step, value in words]; `data-from`, `data-step`: ms; `data-zone`: of the village.
"use strict";
(() => {
  const PAGE = 12; // steps of Page Up and Page Down
  const WIDTH = 288, HEIGHT = 48; // units of the drawing
  const SVG = "http://www.w3.org/2000/svg";
  const charts = new WeakMap();

  function prepare() {
    for (const svg of document.querySelectorAll("svg[data-runs]")) if (!charts.has(svg)) charts.set(svg, make(svg));
  }

  function make(svg) {
    const said = svg.dataset, runs = JSON.parse(said.runs);
    const from = Number(said.from), step = Number(said.step), steps = Math.round((Number(said.until) - from) / step);
    const time = new Intl.DateTimeFormat(document.documentElement.lang === "id" ? "id-ID" : "en-GB", {
      ...(steps * step > 90000000 ? { day: "numeric", month: "short" } : {}),
      hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: said.zone,
    });
    const line = document.createElementNS(SVG, "path");
    line.setAttribute("class", "cursor");
    svg.append(line);
    const told = document.createElement("p");
    told.className = "told";
    told.setAttribute("aria-hidden", "true"); // the slider says it
    told.textContent = "\u00a0";
    svg.before(told);
    svg.setAttribute("role", "slider");
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("aria-valuemin", "0");
    svg.setAttribute("aria-valuemax", String(steps - 1));
    let at = runs[runs.length - 1][1];

    // The run that holds a step, else the nearest one
    const near = (n) => {
      const far = ([first, last]) => Math.max(first - n, n - last, 0);
      return runs.reduce((best, one) => (far(one) < far(best) ? one : best));
    };

    function say(n) {
      const [first, last, value] = near(n);
      at = Math.max(first, Math.min(last, n));
      const x = ((at + 0.5) / steps) * WIDTH;
      line.setAttribute("d", `M${x.toFixed(1)} 0V${HEIGHT}`);
      const words = `${time.format(new Date(from + at * step)).replace(/(\d\d):(\d\d)$/, `$1${said.clock}$2`)}: ${value}`;
      told.textContent = words;
      svg.setAttribute("aria-valuenow", String(at));
      svg.setAttribute("aria-valuetext", words);
    }

    function hide() {
      line.removeAttribute("d");
      told.textContent = "\u00a0";
    }

    // The next step with a value in a direction
    function along(by) {
      const here = runs.findIndex(([first, last]) => first <= at && at <= last);
      const [first, last] = runs[here];
      if (first <= at + by && at + by <= last) return at + by;
      const next = runs[here + by];
      return next ? next[by > 0 ? 0 : 1] : at;
    }

    svg.setAttribute("aria-valuenow", String(at));
    svg.setAttribute("aria-valuetext", runs[runs.length - 1][2]);
    return { say, hide, along, steps, runs, at: () => at };
  }

  const drawing = (event) => event.target.closest?.("svg[data-runs]");
  const of = (event) => charts.get(drawing(event));

  function point(event) {
    const svg = drawing(event);
    if (!svg) return;
    const box = svg.getBoundingClientRect(), chart = charts.get(svg);
    chart.say(Math.floor(((event.clientX - box.left) / box.width) * chart.steps));
  }

  document.addEventListener("pointermove", point);
  document.addEventListener("pointerdown", point);
  document.addEventListener("pointerout", (event) => {
    const svg = drawing(event);
    if (!svg || event.pointerType !== "mouse" || svg.contains(event.relatedTarget)) return;
    if (svg !== document.activeElement) charts.get(svg).hide();
  });
  document.addEventListener("focusin", (event) => {
    const chart = of(event);
    if (chart) chart.say(chart.at());
  });
  document.addEventListener("focusout", (event) => of(event)?.hide());

  document.addEventListener("keydown", (event) => {
    const chart = of(event);
    if (!chart || event.ctrlKey || event.altKey || event.metaKey) return;
    const last = chart.runs[chart.runs.length - 1];
    const n = {
      ArrowLeft: () => chart.along(-1), ArrowDown: () => chart.along(-1),
      ArrowRight: () => chart.along(1), ArrowUp: () => chart.along(1),
      PageUp: () => chart.at() + PAGE, PageDown: () => chart.at() - PAGE,
      Home: () => chart.runs[0][0], End: () => last[1],
    }[event.key]?.();
    if (n === undefined) return;
    event.preventDefault();
    chart.say(n);
  });

  document.addEventListener("siaga:fresh", prepare);
  prepare();
})();
