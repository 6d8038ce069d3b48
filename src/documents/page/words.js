// Words, numbers and elements. All text of a check reaches the page through `make` or a canvas: it is never
// read as markup.

const byId = (id) => document.getElementById(id);

/** An element with attributes and children; strings become text. `on` holds listeners. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value === true) {
      element.setAttribute(name, '');
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/** One of the page's symbols, for eyes only. */
function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('viewBox', '0 0 16 16');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

const PRESENCES = {
  present: { word: 'In its store', icon: 'check' },
  elsewhere: { word: 'In another store', icon: 'arrow' },
  lost: { word: 'Lost', icon: 'cross' },
  unlisted: { word: 'Never listed', icon: 'dots' },
  'never-recorded': { word: 'Never recorded', icon: 'dash' },
  unknown: { word: 'Not known', icon: 'question' },
};
// What hides what where many fall on one pixel: the worst last.
const BY_WEIGHT = ['never-recorded', 'present', 'elsewhere', 'unknown', 'unlisted', 'lost'];

const presenceOf = (word) => (Object.hasOwn(PRESENCES, word) ? word : 'unknown');
const weightOf = (word) => BY_WEIGHT.indexOf(presenceOf(word));

const STANDINGS = {
  'nothing-missing': { word: 'Nothing is missing', icon: 'check', tone: 'good' },
  elsewhere: { word: 'All of it is there, some in another store', icon: 'arrow', tone: 'fair' },
  unknown: { word: 'Not everything could be asked', icon: 'question', tone: 'fair' },
  frozen: { word: 'All of it is there, some of it archived', icon: 'flake', tone: 'fair' },
  denied: { word: 'A store refused', icon: 'lock', tone: 'bad' },
  incomplete: { word: 'Incomplete', icon: 'gap', tone: 'bad' },
  corrupt: { word: 'Corrupt', icon: 'cross', tone: 'bad' },
};

// What a fetch came to.
const OUTCOMES = {
  complete: { word: 'Complete and verified', icon: 'check', tone: 'good' },
  interrupted: { word: 'Stopped before its end', icon: 'dots', tone: 'fair' },
  temporary: { word: 'A store did not answer', icon: 'question', tone: 'fair' },
  incomplete: { word: 'Incomplete', icon: 'gap', tone: 'bad' },
  frozen: { word: 'Some of it is archived', icon: 'flake', tone: 'fair' },
  denied: { word: 'A store refused', icon: 'lock', tone: 'bad' },
  corrupt: { word: 'Corrupt', icon: 'cross', tone: 'bad' },
};

const SEVERITIES = {
  loss: { word: 'Loss', icon: 'diamond', weight: 2 },
  warning: { word: 'Warning', icon: 'triangle', weight: 1 },
  note: { word: 'Note', icon: 'circle', weight: 0 },
};
const severityOf = (word) => (Object.hasOwn(SEVERITIES, word) ? word : 'note');

const STATES = {
  running: 'still running',
  stopped: 'stopped',
  failed: 'ended abnormally',
  uploaded: 'uploaded',
  'backed-up': 'uploaded, partly to Agora Cloud Backup',
};
const DEPTHS = {
  listed: 'No media was read: this is what listings and playlists tell.',
  first: 'The first 64 KiB of each segment were read.',
  whole: 'All bytes were read.',
};
const MODES = { individual: 'individual', mix: 'composite', web: 'web page' };
const KINDS = { mixed: 'mixed', audio: 'sound', video: 'picture', av: 'sound and picture' };

const plural = (count, one, many) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

function trackWord(track) {
  const kind = Object.hasOwn(KINDS, track.kind) ? KINDS[track.kind] : track.kind;
  return track.uid === null ? kind : `uid ${track.uid} ${kind}`;
}

function bytes(count) {
  if (count === null || count === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A length of time: `15.000 s`, `1:02`, `2:00:27`. */
function length(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 60000) return `${(ms / 1000).toFixed(3)} s`;
  const seconds = Math.round(ms / 1000);
  const two = (number) => String(number).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

const clock = { local: false };

/** The pieces of a moment in the zone that is switched on. */
function pieces(ms) {
  const offset = clock.local ? -new Date(ms).getTimezoneOffset() * 60000 : 0;
  const moment = new Date(ms + offset);
  if (Number.isNaN(moment.getTime())) return { day: '?', time: '?' };
  const text = moment.toISOString();
  const at = text.indexOf('T');
  return { day: text.slice(0, at), time: text.slice(at + 1, -1) };
}

/** `UTC` or `UTC+02:00`. */
function zoneWord(ms) {
  const minutes = clock.local ? -new Date(ms).getTimezoneOffset() : 0;
  if (!minutes) return 'UTC';
  const two = (number) => String(number).padStart(2, '0');
  const sign = minutes < 0 ? '−' : '+';
  return `UTC${sign}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

const moment = (ms) => (ms === null ? '–' : `${pieces(ms).day} ${pieces(ms).time}`);

/** Says something to those who listen instead of look. */
function say(text) {
  byId('live').textContent = text;
}
