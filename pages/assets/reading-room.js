// The player of a call, and the filters of a list on disk. Without this script the pages are whole: the recording is
// played by the browser's own controls, and such a list shows all of its calls.
"use strict";

// A list on disk: its address chooses the calls, as on the server (db/queries/sql/reading/chosen.sql).
(() => {
  const rows = [...document.querySelectorAll("tr[data-day]")];
  const form = document.querySelector(".filters");
  if (!rows.length || !form) return;
  const asked = new Map([...new URLSearchParams(location.search)].filter(([, value]) => value.trim()));
  const same = (given, wanted) => (wanted === "-" ? given === "" : given === wanted);
  const within = (given, wanted) => {
    const [low, high] = wanted.split("-").map(Number);
    const percent = Math.round(Number(given) * 1e6) / 1e4;
    return given !== "" && percent >= low && (percent < high || high >= 100);
  };
  const tests = {
    from: (row, value) => row.day !== "" && row.day >= value,
    to: (row, value) => row.day !== "" && row.day <= value,
    undated: (row) => row.day === "",
    agent: (row, value) => same(row.agent, value),
    queue: (row, value) => same(row.queue, value),
    direction: (row, value) => same(row.direction, value),
    mood: (row, value) => same(row.mood, value),
    language: (row, value) => same(row.language, value),
    customer: (row, value) => same(row.customer, value),
    topic: (row, value) => same(row.topic, value) || `${row.topic} > ${row.subtopic}` === value,
    flag: (row, value) => row.flags.split(" ").includes(value),
    status: (row, value) => row.status === value,
    error: (row, value) => row.error === value,
    silence: (row, value) => within(row.silence, value),
    talk: (row, value) => within(row.talk, value),
    attention: (row, value) => (value === "any" ? row.rules !== "" : value === "critical" ? "critical" in row
      : row.rules.split(" ").includes(value)),
    scorecard: (row, value) => row.scorecards.split(" ").some((one) => one === value || one.startsWith(`${value}:`)),
    q: (row, value, text) => value.toLowerCase().split(/\s+/).every((word) => text.includes(word.replaceAll('"', ""))),
  };
  const used = [...asked].filter(([name]) => name in tests);
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !used.every(([name, value]) => tests[name](row.dataset, value, text));
    shown += row.hidden ? 0 : 1;
  }
  for (const [name, value] of used) if (form.elements[name]) form.elements[name].value = value;
  if (!used.length) return;
  document.getElementById("sum").textContent = `${shown} of ${rows.length} calls`;
  const chips = document.getElementById("chips");
  chips.hidden = false;
  const fold = form.querySelector(".fold > summary");
  const folded = used.filter(([name]) => name !== "q").length;
  if (folded) fold.append(` ${folded} in use`);
  const title = (name) => form.elements[name]?.closest("label")?.firstChild.textContent.trim() || name;
  const chip = (text, without) => {
    const item = chips.appendChild(document.createElement("li")).appendChild(document.createElement("a"));
    item.textContent = text;
    item.href = `?${without}`;
  };
  for (const [name, value] of used) {
    const choice = form.elements[name] && form.elements[name].selectedOptions;
    const says = choice && choice[0] && choice[0].value === value ? choice[0].textContent : value;
    chip(`${title(name)}: ${says} ×`, new URLSearchParams(used.filter(([other]) => other !== name)));
  }
  chip("Remove all", "");
})();

(() => {
  const player = document.querySelector(".player");
  if (!player) return;
  const audio = player.querySelector("audio");
  const track = player.querySelector(".track");
  // A waveform that cannot be drawn leaves no broken picture.
  const waves = player.querySelector(".waves");
  if (waves) {
    waves.addEventListener("error", () => waves.remove());
  }
  const turns = [...document.querySelectorAll(".turn")].map((element) => ({
    element, start: Number(element.dataset.start), end: Number(element.dataset.end),
  }));
  const duration = Number(player.dataset.duration);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let current = null;
  let place = 0;

  const clock = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor(whole / 60) % 60;
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };

  // The last turn that has begun: turns are in order of time.
  const turnAt = (seconds) => {
    let low = 0;
    let high = turns.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (turns[middle].start <= seconds + 0.05) low = middle + 1; else high = middle;
    }
    return low ? turns[low - 1] : null;
  };

  // Far away at once, and once more: the heights of turns that were never in sight are estimates until then.
  const bring = (element) => {
    const far = Math.abs(element.getBoundingClientRect().top) > 2 * innerHeight;
    element.scrollIntoView({ block: far ? "center" : "nearest", behavior: calm || far ? "instant" : "smooth" });
    if (far) requestAnimationFrame(() => element.scrollIntoView({ block: "center", behavior: "instant" }));
  };

  const show = (seconds, scroll) => {
    place = seconds;
    if (track) {
      const head = track.querySelector(".head");
      head.hidden = false;
      head.style.left = `${100 * Math.min(1, duration ? seconds / duration : 0)}%`;
      track.setAttribute("aria-valuenow", seconds.toFixed(1));
      track.setAttribute("aria-valuetext", clock(seconds));
    }
    const output = player.querySelector(".clock");
    if (output) output.textContent = clock(seconds);
    const turn = turnAt(seconds);
    if (turn === current) return;
    if (current) current.element.removeAttribute("aria-current");
    current = turn;
    if (!turn) return;
    turn.element.setAttribute("aria-current", "true");
    if (scroll) bring(turn.element);
  };

  const go = (seconds, { play = false, scroll = true } = {}) => {
    const there = Math.min(Math.max(0, seconds), duration || seconds);
    if (audio) {
      audio.currentTime = there;
      if (play) audio.play().catch(() => {});
    }
    show(there, scroll);
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-at]");
    if (link && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      history.replaceState(null, "", link.getAttribute("href"));
      go(Number(link.dataset.at), { play: true });
      return;
    }
    if (event.target.closest("textarea, input, button")) return;
    const turn = event.target.closest(".turn");
    if (turn && String(getSelection()) === "") go(Number(turn.dataset.start), { play: true, scroll: false });
  });

  if (track) {
    track.addEventListener("pointerdown", (event) => {
      const box = track.getBoundingClientRect();
      go(duration * (event.clientX - box.left) / box.width);
    });
    track.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -30, PageUp: 30 }[event.key];
      const end = { Home: 0, End: duration }[event.key];
      if (step === undefined && end === undefined) return;
      event.preventDefault();
      go(end === undefined ? place + step : end);
    });
  }

  const fromAddress = () => {
    const found = /^#at=([\d.]+)$/.exec(location.hash);
    if (found) go(Number(found[1]));
  };
  addEventListener("hashchange", fromAddress);
  if (!audio) {
    fromAddress();
    return;
  }

  const controls = player.querySelector(".controls");
  const button = controls.querySelector(".play");
  const follow = controls.querySelector(".follow input");
  player.classList.add("live");
  controls.hidden = false;
  audio.removeAttribute("controls");

  const toggle = () => (audio.paused ? audio.play().catch(() => {}) : audio.pause());
  const playing = () => {
    button.dataset.playing = String(!audio.paused); // its name changes, too: a pressed “Pause” would be two states
    button.querySelector("span").textContent = audio.paused ? "Play" : "Pause";
  };
  button.addEventListener("click", toggle);
  audio.addEventListener("play", playing);
  audio.addEventListener("pause", playing);
  audio.addEventListener("timeupdate", () => show(audio.currentTime, follow.checked && !audio.paused));
  audio.addEventListener("error", () => {
    const notice = document.createElement("p");
    notice.className = "notice warn";
    notice.setAttribute("role", "alert");
    notice.textContent = "The recording cannot be played: it is no longer where it was, or this browser does not know its format.";
    controls.before(notice);
    controls.hidden = true;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.target.closest?.("input, select, button, textarea, a, summary, audio")) return;
    event.preventDefault();
    toggle();
  });
  // Correcting: the stretch of a field is played from its beginning, and stopped, without leaving the field.
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.(".correct textarea");
    if (!field) return;
    if (event.key === "Escape") audio.pause();
    if (event.key !== "Enter" || !event.ctrlKey) return;
    event.preventDefault();
    go(Number(field.closest(".turn").dataset.start), { play: true, scroll: false });
  });
  controls.querySelector("[name=speed]").addEventListener("change", (event) => {
    audio.playbackRate = Number(event.target.value);
  });

  // One side alone. A page that is served may read the samples: a channel splitter, and a gain of 0 or 1 for each
  // channel. A page on disk may not; there each side is a file of its own beside the recording.
  const sides = (player.dataset.sides || "").split(" ").filter(Boolean);
  const whole = audio.getAttribute("src");
  let hear = null;
  const split = (channels) => {
    const context = new AudioContext();
    const source = context.createMediaElementSource(audio);
    const splitter = context.createChannelSplitter(channels);
    const both = context.createGain();
    source.connect(both).connect(context.destination);
    source.connect(splitter);
    const gains = Array.from({ length: channels }, (_, channel) => {
      const gain = context.createGain();
      gain.gain.value = 0;
      splitter.connect(gain, channel).connect(context.destination);
      return gain;
    });
    return (side) => {
      both.gain.value = side === "" ? 1 : 0;
      gains.forEach((gain, channel) => { gain.gain.value = String(channel) === side ? 1 : 0; });
      if (context.state === "suspended") context.resume();
    };
  };
  const exchange = (side) => {
    const { currentTime, paused, playbackRate } = audio;
    audio.src = side === "" ? whole : sides[Number(side)];
    audio.currentTime = currentTime;
    audio.playbackRate = playbackRate;
    if (!paused) audio.play().catch(() => {});
  };
  const radios = [...controls.querySelectorAll("[name=side]")];
  radios.forEach((radio) => radio.addEventListener("change", () => {
    hear ??= sides.length ? exchange : split(radios.length - 1);
    hear(radio.value);
  }));
  fromAddress();
})();
