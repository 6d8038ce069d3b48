// Opens one page in Chromium, does one thing with it, and prints what it saw as JSON.
//
//   node page.mjs CHROMIUM NODE_MODULES SCENARIO PAGE FOLDER

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [chromium, modules, scenario, file, folder] = process.argv.slice(2);
const load = createRequire(path.join(modules, 'index.js'));
const browser = await load('playwright-core').chromium.launch({
  executablePath: chromium,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--force-color-profile=srgb'],
});

/** A page that is watched: every request but its own, every word on the console, every dialog. */
async function watched(options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 }, colorScheme: 'light', reducedMotion: 'reduce', timezoneId: 'Asia/Kolkata', ...options,
  });
  const page = await context.newPage();
  const seen = { requests: [], console: [], errors: [], dialogs: [] };
  const own = pathToFileURL(file).href;
  page.on('request', (request) => { if (request.url() !== own) seen.requests.push(request.url()); });
  page.on('console', (message) => seen.console.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  page.on('dialog', (dialog) => { seen.dialogs.push(dialog.message()); dialog.dismiss(); });
  const client = options.javaScriptEnabled === false ? null : await context.newCDPSession(page);
  await client?.send('Performance.enable', { timeDomain: 'threadTicks' });
  const began = performance.now();
  await page.goto(own, { waitUntil: 'commit' });
  const ready = () => page.waitForFunction(() => document.documentElement.dataset.ready === 'yes', null, { timeout: 20000 });
  /** Seconds of work of the page's thread: how busy the rest of the machine is does not matter. */
  const busy = async () => (await client.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value;
  return { page, seen, began, ready, busy };
}

const settled = (page) => page.evaluate(() => new Promise((done) => {
  const look = () => (window.recfetch.still() ? done() : requestAnimationFrame(look));
  requestAnimationFrame(look);
}));

/** For each box of the time line, the share of its pixels that have the colour of its presence. */
const PAINTED = () => {
  const style = getComputedStyle(document.documentElement);
  const colours = new Map();
  const pen = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const colour = (word) => {
    if (!colours.has(word)) {
      pen.fillStyle = style.getPropertyValue(`--${word}`);
      pen.fillRect(0, 0, 1, 1);
      colours.set(word, [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
    }
    return colours.get(word);
  };
  const drawn = window.recfetch.drawn();
  const images = [...document.querySelectorAll('.lane canvas')].map((canvas) => ({
    width: canvas.width, ratio: canvas.width / canvas.clientWidth,
    data: canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data,
  }));
  return drawn.map((box) => {
    const { width, ratio, data } = images[box.track];
    const wanted = colour(box.presence);
    let hits = 0;
    let all = 0;
    // What is lost is taller than what is there: its upper edge is seen wherever it is.
    const bottom = box.presence === 'lost' ? box.y + 2 : box.y + box.height;
    for (let y = Math.ceil(box.y * ratio); y < Math.floor(bottom * ratio); y += 1) {
      for (let x = Math.max(0, Math.floor(box.x * ratio)); x < Math.min(width, Math.ceil((box.x + box.width) * ratio)); x += 1) {
        const at = (y * width + x) * 4;
        all += 1;
        if (wanted.every((value, channel) => Math.abs(data[at + channel] - value) <= 40)) hits += 1;
      }
    }
    return all === 0 ? 0 : hits / all;
  });
};

/** How many colours a picture has, and how light it is on the whole. */
async function colours(png) {
  const page = await browser.newPage();
  const found = await page.evaluate(async (text) => {
    const blob = new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], { type: 'image/png' });
    const image = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(image.width, Math.min(image.height, 2000));
    const pen = canvas.getContext('2d');
    pen.drawImage(image, 0, 0);
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    const kinds = new Set();
    let light = 0;
    for (let at = 0; at < data.length; at += 4) {
      kinds.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
      light += data[at] + data[at + 1] + data[at + 2];
    }
    return { kinds: kinds.size, light: light / (data.length / 4) / 765 };
  }, png.toString('base64'));
  await page.close();
  return found;
}

const scenarios = {
  /** Reads the time line back, and measures until it has been zoomed and the table sorted. */
  async read() {
    const { page, seen, began, ready, busy } = await watched();
    await ready();
    const readyMs = performance.now() - began;
    const name = page.locator('[role=columnheader][data-key=size] button');
    await page.locator('#lanes').focus();
    await page.keyboard.press('+');
    await name.click();
    await settled(page);
    const usableMs = performance.now() - began;
    const workMs = await busy() * 1000;
    const zoomed = await page.evaluate(() => window.recfetch.window());
    await page.locator('#lanes').focus();
    await page.keyboard.press('Home');
    await settled(page);
    const window = await page.evaluate(() => window.recfetch.window());
    const drawn = await page.evaluate(() => window.recfetch.drawn());
    const painted = await page.evaluate(PAINTED);
    const widths = await page.evaluate(() => [...document.querySelectorAll('.lane canvas')].map((canvas) => canvas.clientWidth));
    const rows = await page.evaluate(() => document.querySelectorAll('#grid .rows .row').length);
    return { seen, readyMs, usableMs, workMs, zoomed, window, drawn, painted, widths, rows };
  },

  /** Whatever is asked for, each by a word that the page has for it. */
  async table() {
    const { page, seen, ready } = await watched();
    await ready();
    const rows = () => page.evaluate(() => window.recfetch.rows());
    const header = (key) => page.locator(`[role=columnheader][data-key=${key}]`);
    const found = { unsorted: await rows() };
    for (const key of ['size', 'name', 'starts']) {
      await header(key).locator('button').click();
      found[`${key}Up`] = await rows();
      found[`${key}UpSaid`] = await header(key).getAttribute('aria-sort');
      await header(key).locator('button').click();
      found[`${key}Down`] = await rows();
    }
    found.shown = await page.locator('#grid .rows .row .cell.name').first().textContent();
    await page.selectOption('#filter-presence', 'lost');
    found.lost = await rows();
    await page.selectOption('#filter-presence', '');
    await page.fill('#filter-text', '#7');
    found.numbered = await rows();
    await page.fill('#filter-text', 'no such name');
    found.none = await rows();
    found.said = await page.locator('#live').textContent();
    await page.fill('#filter-text', '');
    await page.locator('#grid').focus();
    await page.keyboard.press('End');
    found.active = await page.evaluate(() => document.getElementById(document.getElementById('grid').getAttribute('aria-activedescendant'))?.getAttribute('aria-rowindex'));
    return { seen, ...found };
  },

  /** From a finding to the time line and back, and along the time line, by keys alone. */
  async keyboard() {
    const { page, seen, ready } = await watched();
    await ready();
    const focus = () => page.evaluate(() => ({ id: document.activeElement.id, jump: document.activeElement.classList.contains('jump') }));
    let tabs = 0;
    while (!(await focus()).jump && tabs < 200) {
      await page.keyboard.press('Tab');
      tabs += 1;
    }
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    const whole = await page.evaluate(() => window.recfetch.window());
    await page.keyboard.press('Enter');
    await settled(page);
    const afterJump = await focus();
    const near = await page.evaluate(() => window.recfetch.window());
    const detail = await page.locator('#detail').textContent();
    const inSight = await page.evaluate(() => {
      const { top, bottom } = document.querySelector('.lane canvas').getBoundingClientRect();
      return top >= 0 && bottom <= window.innerHeight;
    });
    await page.keyboard.press('Enter');
    const back = await focus();
    await page.locator('#lanes').focus();
    await page.keyboard.press('ArrowRight');
    const right = await page.locator('#live').textContent();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    const left = await page.locator('#live').textContent();
    await page.keyboard.press('-');
    await settled(page);
    const wider = await page.evaluate(() => window.recfetch.window());
    await page.keyboard.press('Home');
    await settled(page);
    const home = await page.evaluate(() => window.recfetch.window());
    return { seen, tabs, outline, whole, afterJump, near, detail, inSight, back, right, left, wider, home };
  },

  /** With a mouse: the wheel, a drag, a tooltip, a click, and the clock. */
  async mouse() {
    const { page, seen, ready } = await watched();
    await ready();
    const window = () => page.evaluate(() => window.recfetch.window());
    await page.locator('.lane canvas').first().scrollIntoViewIfNeeded();
    const at = async (box) => page.evaluate(({ x, y, track }) => {
      const rect = document.querySelectorAll('.lane canvas')[track].getBoundingClientRect();
      return { x: rect.left + x, y: rect.top + y };
    }, { x: box.x + box.width / 2, y: box.y + box.height / 2, track: box.track });
    const drawn = await page.evaluate(() => window.recfetch.drawn());
    const lost = drawn.find((box) => box.presence === 'lost');
    const point = await at(lost);
    await page.mouse.move(point.x, point.y);
    const tip = await page.locator('#tip').textContent();
    const tipShown = await page.locator('#tip').isVisible();
    await page.keyboard.press('Escape');
    const tipHidden = !(await page.locator('#tip').isVisible());
    await page.mouse.click(point.x, point.y);
    const detail = await page.locator('#detail').textContent();
    const whole = await window();
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, -240);
    await page.keyboard.up('Control');
    await settled(page);
    const wheeled = await window();
    await page.mouse.move(point.x, point.y);
    await page.mouse.down();
    await page.mouse.move(point.x - 120, point.y, { steps: 4 });
    await page.mouse.up();
    await settled(page);
    const dragged = await window();
    await page.locator('#zone label', { hasText: 'Local' }).click();
    const local = await page.locator('#window').textContent();
    const said = await page.locator('#live').textContent();
    return { seen, lost, tip, tipShown, tipHidden, detail, whole, wheeled, dragged, local, said };
  },

  /** Two fingers. */
  async pinch() {
    const { page, seen, ready } = await watched({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 800 } });
    await ready();
    const whole = await page.evaluate(() => window.recfetch.window());
    await page.locator('.lane canvas').first().scrollIntoViewIfNeeded();
    const { x, y, width } = await page.locator('.lane canvas').first().boundingBox();
    const client = await page.context().newCDPSession(page);
    const touch = (type, a, b) => client.send('Input.dispatchTouchEvent', {
      type, touchPoints: a === null ? [] : [{ x: x + a * width, y: y + 20, id: 1 }, { x: x + b * width, y: y + 20, id: 2 }],
    });
    await touch('touchStart', 0.45, 0.55);
    for (let part = 1; part <= 6; part += 1) await touch('touchMove', 0.45 - part * 0.05, 0.55 + part * 0.05);
    await touch('touchEnd', null);
    await settled(page);
    return { seen, whole, pinched: await page.evaluate(() => window.recfetch.window()) };
  },

  /** What is on the page as text, and whether any of it was taken for something else. */
  async text() {
    const { page, seen, ready } = await watched();
    await ready();
    for (const summary of await page.locator('summary').all()) await summary.click();
    for (const key of ['size', 'name', 'presence']) await page.locator(`[role=columnheader][data-key=${key}] button`).click();
    for (const jump of await page.locator('.jump').all()) await jump.click();
    await page.locator('#lanes').focus();
    for (const key of ['Home', 'ArrowRight', 'ArrowRight', 'ArrowLeft', 'ArrowDown', 'Enter']) await page.keyboard.press(key);
    await settled(page);
    return {
      seen,
      broken: await page.evaluate(() => window.broken ?? null),
      text: await page.evaluate(() => document.body.innerText),
      strangers: await page.evaluate(() => [...document.querySelectorAll('img, iframe, object, embed, link, audio, video, [onload], [onerror]')].map((e) => e.outerHTML)),
      scripts: await page.evaluate(() => document.scripts.length),
      check: await page.evaluate(() => JSON.parse(document.getElementById('check').textContent)),
    };
  },

  /** Pictures: light and dark, wide and narrow; and what the rules of accessibility say of each. */
  async look() {
    const looks = [];
    const axe = readFileSync(path.join(modules, 'axe-core', 'axe.min.js'), 'utf8');
    for (const colorScheme of ['light', 'dark']) {
      for (const [name, width, height] of [['wide', 1280, 900], ['narrow', 360, 740]]) {
        const { page, seen, ready } = await watched({ colorScheme, viewport: { width, height }, deviceScaleFactor: name === 'narrow' ? 2 : 1 });
        await ready();
        await page.locator('.jump').first().click();
        await page.keyboard.press('Home');
        await settled(page);
        await page.evaluate(() => window.scrollTo(0, 0));
        const png = await page.screenshot({ fullPage: true, path: path.join(folder, `${colorScheme}-${name}.png`) });
        // What the README shows.
        const clip = { x: 0, y: 0, width, height: 1180 };
        if (colorScheme === 'light' && name === 'wide') await page.screenshot({ fullPage: true, clip, path: path.join(folder, 'report.png') });
        await page.evaluate(axe);
        const judged = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
        looks.push({
          colorScheme, name, seen, ...(await colours(png)),
          overflow: await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
          violations: judged.violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`),
          passes: judged.passes.length,
        });
        await page.context().close();
      }
    }
    return { looks };
  },

  /** The switch of colours wins over what the system asks for. */
  async theme() {
    const { page, seen, ready } = await watched();
    await ready();
    const shot = async () => colours(await page.screenshot());
    const light = await shot();
    await page.locator('#theme label', { hasText: 'Dark' }).click();
    await settled(page);
    const dark = await shot();
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('#theme label', { hasText: 'Light' }).click();
    await settled(page);
    const lightAgain = await shot();
    await page.locator('#theme label', { hasText: 'System' }).click();
    await settled(page);
    return { seen, light, dark, lightAgain, system: await shot() };
  },

  /** On paper. */
  async print() {
    const { page, seen, ready } = await watched({ colorScheme: 'dark' });
    await ready();
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
    await settled(page);
    const png = await page.screenshot({ fullPage: true, path: path.join(folder, 'print.png') });
    return {
      seen, ...(await colours(png)),
      table: await page.locator('#print-rows tbody tr').count(),
      grid: await page.locator('#grid').isVisible(),
      pdf: (await page.pdf()).subarray(0, 5).toString(),
    };
  },

  /** Without scripts. */
  async plain() {
    const { page, seen } = await watched({ javaScriptEnabled: false });
    await page.waitForLoadState();
    return { seen, text: await page.locator('noscript').innerText() };
  },

  /** Whether the page's own script ran. */
  async ran() {
    const { page, seen, ready } = await watched();
    await page.waitForLoadState();
    await Promise.race([ready().catch(() => {}), page.waitForTimeout(2500)]);
    return { seen, ran: await page.evaluate(() => document.documentElement.dataset.ready === 'yes') };
  },

  /** Only opens it: what happens by itself. */
  async open() {
    const { page, seen, ready } = await watched();
    await ready();
    await page.waitForTimeout(500);
    return {
      seen,
      broken: await page.evaluate(() => window.broken ?? null),
      drawn: await page.evaluate(() => window.recfetch.drawn()),
      findings: await page.locator('#finding-groups').innerText(),
    };
  },
};

try {
  process.stdout.write(JSON.stringify(await scenarios[scenario]()));
} finally {
  await browser.close();
}
