"use strict";
// Draws the figures, opens what a link points to, sorts and filters the marts, and opens everything for paper.
(function () {
  var WIDEST = 600, NARROW = 460, opened = []; // a bridge of this width fits on A4
  function draw(place) {
    var figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    var width = Math.min(place.clientWidth || WIDEST, WIDEST);
    figure.layout.width = width;
    if (width < NARROW) {
      figure.layout.font.size = 10;
      figure.layout.margin.l = 170;
      figure.layout.xaxis.nticks = 3;
    }
    Plotly.react(place, figure.data, figure.layout, { displayModeBar: false, staticPlot: true });
  }
  function drawAll() {
    document.querySelectorAll("[data-figure]").forEach(draw);
  }
  function reveal() {
    var target = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    for (var node = target; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") { node.open = true; }
    }
    if (target) { target.scrollIntoView(); }
  }
  function text(row, column) { return row.cells[column].textContent.trim(); }
  function isNumber(shown) { return /^-?[\d,]+(\.\d+)?$/.test(shown); }
  function number(shown) { return parseFloat(shown.replace(/,/g, "")); } // for the order only
  function before(a, b) {
    if (a === "" || b === "") { return (a === "") - (b === ""); } // blanks last
    return isNumber(a) && isNumber(b) ? number(a) - number(b) : a.localeCompare(b, "en", { numeric: true });
  }
  function exactSum(shown, decimals) { // amounts of one scale: added as integers, to the last digit
    var sum = shown.reduce(function (total, a) { return total + BigInt(a.replace(/[,.]/g, "")); }, 0n);
    var digits = String(sum < 0n ? -sum : sum).padStart(decimals + 1, "0"), cut = digits.length - decimals;
    var whole = digits.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, ",");
    return (sum < 0n ? "-" : "") + whole + (decimals ? "." + digits.slice(cut) : "");
  }
  function enrich(mart) {
    var table = mart.querySelector("table"), tools = mart.querySelector(".tools");
    if (!table || !tools) { return; }
    var body = table.tBodies[0], rows = Array.prototype.slice.call(body.rows), total = table.querySelector(".total");
    var filter = tools.querySelector("[type=search]"), box = tools.querySelector("[type=checkbox]");
    var found = tools.querySelector("output"), partial = null;
    function columnSum(cell, column, shown) {
      if (!total.cells[column].textContent || column === 0) { return; }
      var amounts = shown.map(function (row) { return text(row, column); }).filter(Boolean);
      var scale = (total.cells[column].textContent.split(".")[1] || "").length;
      var isOfScale = amounts.every(function (a) { return (a.split(".")[1] || "").length === scale; });
      cell.textContent = isOfScale ? exactSum(amounts, scale) : "";
    }
    function narrow() {
      var wanted = filter.value.trim().toLowerCase(), isNarrowed = wanted !== "" || (box && box.checked);
      var shown = rows.filter(function (row) {
        row.hidden = !(row.textContent.toLowerCase().includes(wanted) && (!box || !box.checked || row.className));
        return !row.hidden;
      });
      found.textContent = isNarrowed ? shown.length + " of " + rows.length + " rows shown" : "";
      if (partial) { partial.remove(); partial = null; }
      if (!isNarrowed || !total) { return; }
      partial = total.parentNode.insertBefore(total.cloneNode(true), total);
      partial.cells[0].textContent = "These " + shown.length + " rows";
      for (var column = 1; column < partial.cells.length; column += 1) { columnSum(partial.cells[column], column, shown); }
    }
    function sorter(head, column) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", function () {
        var falls = head.getAttribute("aria-sort") === "ascending";
        table.querySelectorAll("[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", falls ? "descending" : "ascending");
        rows.sort(function (a, b) {
          var one = text(a, column), two = text(b, column);
          return falls && one !== "" && two !== "" ? before(two, one) : before(one, two);
        });
        rows.forEach(function (row) { body.appendChild(row); });
      });
    }
    Array.prototype.forEach.call(table.tHead.rows[0].cells, sorter);
    filter.addEventListener("input", narrow);
    if (box) { box.addEventListener("change", narrow); }
    tools.hidden = false;
  }
  drawAll();
  document.querySelectorAll(".mart").forEach(enrich);
  addEventListener("resize", function () {
    if (!matchMedia("print").matches) { drawAll(); }
  });
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", function () {
    opened = Array.prototype.slice.call(document.querySelectorAll("details:not([open])"));
    opened.forEach(function (part) { part.open = true; });
  });
  addEventListener("afterprint", function () {
    opened.forEach(function (part) { part.open = false; });
  });
  reveal();
})();
