"use strict";
// Filters, sorts and pages the tables of this page. It shows what the data says and computes
// nothing of it: numbers arrive as the whole numbers that are shown, with the place of their point.
(async () => {
  const PAGE = 10, MINUS = "\u2212", NOTHING = "\u2013";
  const unpacked = async (holder) => {
    const packed = Uint8Array.from(atob(holder.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  };
  const tables = await Promise.all([...document.querySelectorAll("script[data-of]")].map(unpacked));
  const roles = { customer: "Customer", seller: "Competitor or seller", brand: "Brand", category: "Category" };
  const common = { search: "", customer: "", seller: "", brand: "", category: "" };
  const views = [];

  const make = (tag, text, more) => Object.assign(document.createElement(tag), { textContent: text ?? "" }, more);
  const grouped = (digits) => digits.replace(/\B(?=(\d{3})+(?!\d))/g, ",");

  function written(column, row) {
    if (!column.numbers) return column.at(row) ?? NOTHING;
    const value = column.numbers[row];
    if (value === null) return NOTHING;
    const digits = String(Math.abs(value)).padStart(column.places + 1, "0");
    const cut = digits.length - column.places;
    const point = column.places ? "." + digits.slice(cut) : "";
    const sign = value < 0 ? MINUS : column.signed && value > 0 ? "+" : "";
    return sign + grouped(digits.slice(0, cut)) + point + column.unit;
  }

  function opened(column) {
    // texts, or places in a list of words; of a product also its code
    column.at = column.texts ? (row) => column.texts[row]
      : column.words ? (row) => column.words[column.places[row]] ?? null
      : (row) => column.numbers[row];
    if (column.code) {
      if (column.code.steps) {
        let sum = 0;
        column.code = column.code.steps.map((step) => String((sum += step)).padStart(14, "0"));
      } else {
        column.code = column.code.texts;
      }
    }
    return column;
  }

  function tone(column, row) {
    if (column.bad.length) return column.bad.includes(column.at(row)) ? " dear" : "";
    const value = column.numbers && column.numbers[row];
    if (!column.tone || value === null || value === undefined) return "";
    const even = column.tone === "even" ? 100 * 10 ** column.places : 0;
    return value > even ? " dear" : value < even && column.tone !== "bad" ? " cheap" : "";
  }

  function filledCell(column, row) {
    const cell = make("td", "", { className: column.kind + (column.numeric ? " number" : "") + tone(column, row) });
    const said = written(column, row);
    if (column.kind === "product") {
      cell.append(make("bdi", said), " ", make("span", column.code[row], { className: "code" }));
    } else if (column.kind === "name" || column.kind === "sentence") {
      cell.append(make("bdi", said));
      if (column.kind === "sentence") cell.firstChild.dir = "ltr";
    } else {
      if (column.bar && column.numbers[row] !== null) {
        const bar = make("span", "", { className: "bar" });
        const share = column.numbers[row] / 10 ** column.places;
        bar.style.setProperty("--to", Math.min(100, Math.max(0, share)) + "%");
        cell.append(bar);
      }
      cell.append(said);
    }
    return cell;
  }

  function compare(column, down) {
    const sign = down ? -1 : 1;
    return (a, b) => {
      const one = column.at(a), other = column.at(b);
      if (one === other) return a - b;
      if (one === null) return 1; // what is not there comes last, either way
      if (other === null) return -1;
      return (one < other ? -1 : 1) * sign;
    };
  }

  class View {
    constructor(data, block) {
      this.data = data;
      this.block = block;
      this.body = block.querySelector("tbody");
      this.said = block.querySelector(".tally");
      this.columns = data.columns.map(opened);
      this.columns.forEach((column) => (column.numeric = !["product", "name", "sentence", "word", "date"].includes(column.kind)));
      this.product = this.columns.find((column) => column.kind === "product");
      this.own = new Map();
      this.order = data.order && { column: this.columns.find((c) => c.source === data.order[0]), down: data.order[1] };
      this.shown = PAGE;
      this.tools();
      this.headings();
    }

    tools() {
      const tools = this.block.querySelector(".tools");
      const few = this.columns.filter((column) => column.filtered && column.words && column.words.length > 1);
      for (const column of few) {
        const title = this.block.querySelectorAll("thead th")[this.columns.indexOf(column)].textContent;
        const label = make("label", title), select = make("select");
        select.append(make("option", "all", { value: "" }));
        column.words.forEach((word, place) => select.append(make("option", word, { value: place })));
        select.addEventListener("change", () => {
          this.own.set(column, select.value === "" ? null : Number(select.value));
          this.refresh();
        });
        label.append(select);
        tools.append(label);
      }
      tools.hidden = !few.length;
    }

    headings() {
      [...this.block.querySelectorAll("thead th")].forEach((heading, place) => {
        const column = this.columns[place];
        const button = make("button", heading.textContent, { type: "button", title: "sort" });
        heading.replaceChildren(button);
        button.addEventListener("click", () => {
          const same = this.order && this.order.column === column;
          this.order = { column, down: same ? !this.order.down : column.numeric };
          this.refresh();
        });
        column.heading = heading;
      });
    }

    holds(row) {
      for (const [column, place] of this.own) if (place !== null && column.places[row] !== place) return false;
      for (const column of this.columns) {
        const wanted = column.role && common[column.role];
        if (wanted && column.at(row) !== wanted) return false;
      }
      const search = common.search;
      if (!search || !this.product) return true;
      return (this.product.at(row) ?? "").toLowerCase().includes(search) || this.product.code[row].includes(search);
    }

    refresh(more) {
      this.shown = more ? this.shown + 5 * PAGE : PAGE;
      const rows = [];
      for (let row = 0; row < this.data.rows; row++) if (this.holds(row)) rows.push(row);
      if (this.order) rows.sort(compare(this.order.column, this.order.down));
      this.columns.forEach((column) => column.heading.removeAttribute("aria-sort"));
      if (this.order) this.order.column.heading.setAttribute("aria-sort", this.order.down ? "descending" : "ascending");
      const lines = rows.slice(0, this.shown).map((row) => {
        const line = make("tr", "", { className: this.data.strong && this.data.strong[row] ? "strong" : "" });
        line.append(...this.columns.map((column) => filledCell(column, row)));
        return line;
      });
      this.body.replaceChildren(...lines);
      const some = rows.length < this.data.rows;
      const of = some ? ` of ${grouped(String(this.data.rows))} rows that fit the filters` : " rows";
      const text = `${grouped(String(lines.length))} of ${grouped(String(rows.length))}` + (some ? ` rows that fit the filters, of ${grouped(String(this.data.rows))}` : " rows");
      this.said.replaceChildren(make("span", rows.length ? text : "No row fits the filters." + (some ? "" : of)));
      if (rows.length > lines.length) {
        const button = make("button", "Show more", { type: "button" });
        button.addEventListener("click", () => this.refresh(true));
        this.said.append(button);
      }
      this.block.dataset.rows = rows.length;
    }
  }

  for (const data of tables) {
    const block = document.querySelector(`[data-table="${data.name}"]`);
    if (data.rows && block.querySelector("tbody")) views.push(new View(data, block));
  }

  const bar = document.querySelector(".filters");
  const refresh = () => {
    views.forEach((view) => view.refresh());
    const on = Object.values(common).some(Boolean);
    bar.querySelector("button").disabled = !on;
  };
  let waiting;
  const field = make("input", "", { type: "search", placeholder: "name or GTIN" });
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { common.search = field.value.trim().toLowerCase(); refresh(); }, 120);
  });
  const search = make("label", "Product");
  search.append(field);
  if (views.some((view) => view.product)) bar.append(search);
  const selects = [];
  for (const [role, title] of Object.entries(roles)) {
    const words = new Set();
    for (const view of views) for (const column of view.columns) {
      if (column.role !== role) continue;
      if (column.words) column.words.forEach((word) => words.add(word));
      else column.texts.forEach((word) => word !== null && words.add(word));
    }
    if (words.size < 2) continue;
    const label = make("label", title), select = make("select");
    select.append(make("option", "all", { value: "" }));
    [...words].sort().forEach((word) => select.append(make("option", word, { value: word })));
    select.addEventListener("change", () => { common[role] = select.value; refresh(); });
    label.append(select);
    bar.append(label);
    selects.push(select);
  }
  const clear = make("button", "Clear filters", { type: "button", disabled: true });
  clear.addEventListener("click", () => {
    Object.keys(common).forEach((name) => (common[name] = ""));
    field.value = "";
    selects.forEach((select) => (select.value = ""));
    refresh();
  });
  bar.append(clear, make("p", "Filters apply to every table that names what they ask for; the figures stay those of the whole.", { className: "said" }));
  bar.hidden = !bar.querySelector("label");
  refresh();
  document.documentElement.dataset.ready = "yes";
})();
