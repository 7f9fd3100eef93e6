"use strict";
(() => {
  const kit = JSON.parse(document.getElementById("kit").textContent);
  const byId = (name) => document.getElementById(name);
  const ratings = ["certainly acquired", "probably acquired", "cannot say", "probably synthetic", "certainly synthetic"];
  const storeName = (reader) => `reader-kit ${kit.kit} ${reader}`;
  const lastName = `reader-kit ${kit.kit}`;
  let canKeep = true;
  const load = (name) => { try { return localStorage.getItem(name); } catch { canKeep = false; return null; } };
  const keep = (name, value) => { try { localStorage.setItem(name, value); } catch { canKeep = false; } };
  let state = null, order = [], at = 0, shownAt = 0, warned = false;

  // An order of their own for each reader, made of kit and code: FNV-1a, then mulberry32.
  function chance(text) {
    let seed = 2166136261;
    for (const letter of text) seed = Math.imul(seed ^ letter.codePointAt(0), 16777619);
    return () => {
      seed = (seed + 0x6d2b79f5) | 0;
      let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }
  function shuffled(items, random) {
    const out = items.slice();
    for (let i = out.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  }
  function orderOf(reader) {
    const random = chance(`${kit.kit} ${reader}`);
    const of = (task) => shuffled(kit.items.filter((item) => item.task === task), random);
    return [...of("rating"), ...of("pair")];
  }
  function keptState(reader) {
    try {
      const found = JSON.parse(load(storeName(reader)));
      if (found && typeof found.answers === "object" && found.answers !== null) return found;
    } catch { /* damaged: begun anew */ }
    return null;
  }
  const nDone = () => order.filter((item) => state.answers[item.item]).length;
  const save = () => keep(storeName(state.reader), JSON.stringify(state));

  function show(name) {
    for (const section of ["start", "task", "end"]) byId(section).hidden = section !== name;
    window.scrollTo(0, 0);
  }
  function sayKept() {
    const reader = byId("reader").value;
    const found = reader && keptState(reader);
    byId("kept").textContent = found
      ? `${Object.keys(found.answers).length} of ${kit.items.length} answers of reader ${reader} are kept here; Begin goes on with them.`
      : canKeep ? "" : "This browser keeps nothing: answer in one sitting, or save what you have.";
  }
  byId("reader").value = load(lastName) || "";
  sayKept();
  byId("reader").addEventListener("input", sayKept);

  byId("start-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const seen = { dark: Number(byId("dark").value), bright: Number(byId("bright").value) };
    if ((seen.dark !== kit.display.dark || seen.bright !== kit.display.bright) && !warned) {
      warned = true;
      byId("display-said").textContent = "There are other numbers of squares: darken the room, set brightness and contrast, and count again. Begin once more goes on as it is, and your answers will say so.";
      byId("dark").focus();
      return;
    }
    const reader = byId("reader").value;
    state = keptState(reader) || { reader, answers: {} };
    state.display = seen;
    state.screen = `${screen.width}x${screen.height}@${window.devicePixelRatio}`;
    order = orderOf(reader);
    keep(lastName, reader);
    save();
    const open = order.findIndex((item) => !state.answers[item.item]);
    if (open < 0) return finish();
    at = open;
    showItem();
  });

  function choice(value, words) {
    const label = document.createElement("label"), input = document.createElement("input");
    Object.assign(input, { type: "radio", name: "answer", value });
    label.append(input, ` ${words}`);
    return label;
  }
  function showItem() {
    const item = order[at], isPair = item.task === "pair";
    show("task");
    byId("task-h").textContent = isPair ? `Task ${at + 1} of ${order.length}: two images` : `Task ${at + 1} of ${order.length}: one image`;
    byId("legend").textContent = isPair ? "Which one is synthetic?" : "This image is";
    const sides = ["left", "right"];
    byId("pictures").replaceChildren(...item.files.map((file, i) => {
      const figure = document.createElement("figure"), image = document.createElement("img");
      image.src = `images/${file}`;
      image.alt = isPair ? `Mammogram on the ${sides[i]}` : "Mammogram to be rated";
      figure.append(image);
      if (isPair) {
        const caption = document.createElement("figcaption");
        caption.textContent = sides[i];
        figure.append(caption);
      }
      return figure;
    }));
    byId("choices").replaceChildren(...(isPair
      ? sides.map((side, i) => choice(side, `${side} (${i + 1})`))
      : ratings.map((words, i) => choice(String(i + 1), `${i + 1} ${words}`))));
    const known = state.answers[item.item];
    if (known) radio(known.answer).checked = true;
    byId("back").disabled = at === 0;
    byId("task-said").textContent = canKeep ? "" : "This browser keeps nothing: save what you have before you close the page.";
    Object.assign(byId("bar"), { max: order.length, value: nDone() });
    byId("bar-said").textContent = `${nDone()} of ${order.length}`;
    for (const file of order[at + 1] ? order[at + 1].files : []) new Image().src = `images/${file}`;
    shownAt = performance.now();
    byId("task-h").focus();
  }
  const radio = (value) => byId("choices").querySelector(`input[value="${value}"]`);
  function enlarge(is) {
    byId("pictures").classList.toggle("large", is);
    byId("large").setAttribute("aria-pressed", String(is));
    if (is) byId("pictures").setAttribute("tabindex", "0"); else byId("pictures").removeAttribute("tabindex");
  }
  byId("large").addEventListener("click", () => enlarge(!byId("pictures").classList.contains("large")));
  byId("back").addEventListener("click", () => { if (at > 0) { at--; showItem(); } });
  byId("task-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = byId("choices").querySelector("input:checked");
    if (!chosen) {
      byId("task-said").textContent = "Choose an answer first.";
      return;
    }
    const item = order[at].item, before = state.answers[item] ? state.answers[item].seconds : 0;
    state.answers[item] = { answer: chosen.value, seconds: Math.round(10 * before + (performance.now() - shownAt) / 100) / 10 };
    save();
    if (at + 1 < order.length) { at++; showItem(); } else finish();
  });

  function csv() {
    const rows = [["kit", "reader", "item", "task", "answer", "seconds", "place"]];
    for (const field of ["dark", "bright"]) rows.push([kit.kit, state.reader, `display-${field}`, "display", state.display[field], "", ""]);
    rows.push([kit.kit, state.reader, "screen", "display", state.screen, "", ""]);
    order.forEach((item, place) => {
      const found = state.answers[item.item];
      if (found) rows.push([kit.kit, state.reader, item.item, item.task, found.answer, found.seconds, place + 1]);
    });
    return rows.map((row) => row.join(",")).join("\r\n") + "\r\n";
  }
  function finish() {
    const open = order.findIndex((item) => !state.answers[item.item]);
    if (open >= 0) { at = open; return showItem(); }
    byId("answers").value = csv();
    show("end");
    byId("end-h").focus();
  }
  byId("review").addEventListener("click", () => { at = order.length - 1; showItem(); });
  for (const button of document.querySelectorAll(".save")) button.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    link.download = `answers_${kit.kit}_${state.reader}.csv`;
    document.body.append(link);
    link.click();
    link.remove();
  });

  document.addEventListener("keydown", (event) => {
    if (byId("task").hidden || !byId("single-keys").checked || event.ctrlKey || event.metaKey || event.altKey) return;
    const isPair = order[at].task === "pair", on = event.target.tagName;
    const wanted = /^[1-5]$/.test(event.key) ? Number(event.key)
      : isPair ? { ArrowLeft: 1, ArrowRight: 2 }[event.key] : undefined;
    if (wanted && !byId("pictures").contains(event.target)) {
      const found = byId("choices").querySelectorAll("input")[wanted - 1];
      if (found) { found.checked = true; found.focus(); event.preventDefault(); }
    } else if (event.key === "Enter" && on !== "BUTTON") {
      event.preventDefault();
      byId("task-form").requestSubmit();
    } else if (event.key === "Backspace") {
      event.preventDefault();
      byId("back").click();
    } else if (event.key === "z" || event.key === "Z") {
      byId("large").click();
    }
  });
})();
