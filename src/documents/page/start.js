// Puts everything in its place, and lets a test read back what was drawn.

function showTimes() {
  showHead();
  showWindow();
  showFindings();
  showFiles();
  showStretches();
  showDetail();
  table.made.forEach((row) => row.remove());
  table.made.clear();
  drawRows();
  redraw();
}

function setTheme(theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  readPalette();
  redraw();
}

function start() {
  byId('page').hidden = false;
  readPalette();
  makeSwitch('zone', [['utc', 'UTC'], ['local', 'Local']], 'utc', (value) => {
    clock.local = value === 'local';
    showTimes();
    say(`Times in ${zoneWord(range.from)}`);
  });
  makeSwitch('theme', [['system', 'System'], ['light', 'Light'], ['dark', 'Dark']], 'system', setTheme);
  makeTools();
  makeLegend();
  makeLanes();
  makeTable();
  drawers.push(drawAxis, drawOverview, drawLanes, drawSizes);
  makeSizes();
  whenMoved.push(showWindow);
  onPointers();
  onOverview();
  byId('lanes').addEventListener('keydown', onKey);
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') hideTip(); });
  document.addEventListener('scroll', hideTip, { passive: true });
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { readPalette(); redraw(); });
  window.matchMedia('print').addEventListener('change', () => { readPalette(); drawNow(); });
  window.addEventListener('beforeprint', showPrint);
  new ResizeObserver(() => { redraw(); drawRows(); }).observe(byId('page'));
  showTimes();
  drawNow();
  document.documentElement.dataset.ready = 'yes';
}

window.recfetch = Object.freeze({
  /** The segments as they stand on the canvases: pixels of their lane's canvas, from its upper left. */
  drawn: drawnSegments,
  /** The window of time, in milliseconds since 1970. */
  window: () => ({ from: view.from, until: view.until }),
  /** The names of the rows of the table in their order. */
  rows: () => table.rows.map((item) => item.segment.name),
  /** Whether nothing waits to be drawn. */
  still: () => frame === 0 && moving === 0,
});

start();
