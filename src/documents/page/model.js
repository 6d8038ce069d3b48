// What the check says, made ready for drawing: times as numbers, findings by segment.

const check = JSON.parse(byId('check').textContent);
// What lies in the bag around this page; nothing, where it lies in none.
const bag = JSON.parse(byId('bag').textContent);

function millis(text) {
  const value = text ? Date.parse(text) : NaN;
  return Number.isNaN(value) ? null : value;
}

// Where nothing has a time of day, segments follow each other from zero.
const timed = check.tracks.some(
  (track) => track.segments.some((s) => millis(s.starts) !== null) || track.stretches.length > 0,
);

/** The segments of a track with the time that each one takes on the line. */
function placed(track, trackIndex) {
  const { segments } = track;
  const nextStart = new Array(segments.length).fill(null);
  for (let i = segments.length - 2; i >= 0; i -= 1) {
    nextStart[i] = millis(segments[i + 1].starts) ?? nextStart[i + 1];
  }
  let end = nextStart.length ? (millis(segments[0].starts) ?? nextStart[0] ?? millis(check.first) ?? 0) : 0;
  return segments.map((segment, index) => {
    const starts = millis(segment.starts);
    const ends = millis(segment.ends);
    const from = starts ?? end;
    const until = Math.max(from, ends ?? (segment.duration_ms === null
      ? nextStart[index] ?? from + 1000 : from + segment.duration_ms));
    end = until;
    const seconds = (segment.duration_ms ?? until - from) / 1000;
    const rate = segment.size === null || seconds <= 0 ? null : segment.size / seconds;
    return { segment, track: trackIndex, index, starts, ends, from, until, rate, findings: [] };
  });
}

const tracks = check.tracks.map((track, index) => ({
  track,
  word: trackWord(track),
  items: placed(track, index),
  stretches: track.stretches
    .map((stretch) => ({ stretch, from: millis(stretch.from), until: millis(stretch.until) }))
    .filter((stretch) => stretch.from !== null && stretch.until !== null),
  hasCopies: track.segments.some((segment) => segment.failover !== null),
}));

/** The segment that a finding is about, if it is about one. */
function itemOf(about, names) {
  if (about.track !== null && about.segment !== null) {
    return tracks[about.track]?.items[about.segment - 1] ?? null;
  }
  return (about.object !== null && names.get(about.object)) || null;
}

const findings = (() => {
  const names = new Map();
  for (const { items } of tracks) for (const item of items) names.set(item.segment.name, item);
  return check.diagnoses.map((diagnosis, index) => {
    const { about } = diagnosis;
    const item = itemOf(about, names);
    const from = millis(about.from) ?? item?.from ?? null;
    const until = millis(about.until) ?? item?.until ?? from;
    const finding = {
      diagnosis, index, item, track: about.track ?? item?.track ?? null, from, until,
    };
    if (item) item.findings.push(finding);
    return finding;
  });
})();

/** All of the time that there is to show. */
const range = (() => {
  let from = timed ? millis(check.first) ?? Infinity : 0;
  let until = timed ? millis(check.last) ?? -Infinity : 1;
  for (const { items, stretches } of tracks) {
    for (const item of items) {
      from = Math.min(from, item.from);
      until = Math.max(until, item.until);
    }
    for (const stretch of stretches) {
      from = Math.min(from, stretch.from);
      until = Math.max(until, stretch.until);
    }
  }
  if (!Number.isFinite(from) || !Number.isFinite(until)) return { from: 0, until: 1000, empty: true };
  return { from, until: Math.max(until, from + 1000), empty: false };
})();

/** A moment on the line: the time of day, or the time since the start where nothing has one. */
function onLine(ms) {
  if (!timed) return length(Math.max(0, ms));
  const sameDay = pieces(range.from).day === pieces(range.until).day;
  return sameDay ? pieces(ms).time : moment(ms);
}
