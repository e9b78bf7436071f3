"use strict";
(() => {
  const form = document.querySelector(".tools");
  const rows = [...document.querySelectorAll("[data-row]")];
  const groups = [...document.querySelectorAll("[data-group]")].reverse(); // inner before outer
  const texts = rows.map((row) => {
    const card = row.closest(".card");
    return (row.textContent + " " + (card ? card.querySelector("h3").textContent : "")).toLowerCase();
  });
  const folded = [...document.querySelectorAll("section > details")];
  const wasOpen = folded.map((d) => d.open);
  const apply = () => {
    const words = form.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rank = Number(form.sev.value || 0);
    const kind = form.kind.value;
    const active = words.length > 0 || rank > 0 || kind !== "";
    let shown = 0;
    rows.forEach((row, i) => {
      const hit = (kind === "" || row.dataset.kind === kind) && Number(row.dataset.rank) >= rank && words.every((w) => texts[i].includes(w));
      row.hidden = !hit;
      shown += hit ? 1 : 0;
    });
    groups.forEach((g) => { g.hidden = !g.querySelector("[data-row]:not([hidden])"); });
    folded.forEach((d, i) => { d.open = active ? true : wasOpen[i]; });
    document.querySelector(".nothing").hidden = !active || shown > 0;
    form.querySelector("output").textContent = active ? shown + " of " + rows.length + " rows" : "";
  };
  form.hidden = rows.length === 0;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (e) => e.preventDefault());
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
})();
