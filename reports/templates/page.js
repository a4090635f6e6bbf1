"use strict";
// Draws the bridges, opens what a link points to, and opens everything for paper.
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
  drawAll();
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
