// A live call as it comes in: turns by server-sent events; when it is over, the call's own page as soon as there is one.
"use strict";

(() => {
  const page = document.getElementById("live");
  if (!page) return;
  const at = (name) => document.getElementById(name);
  const turns = at("turns");
  const roles = { client: "Customer", agent: "Agent", unknown: "Speaker" };
  const moods = { negative: "Negative", positive: "Positive" };
  const ends = JSON.parse(page.dataset.ends);
  const LOOK_AGAIN_MS = 5000;

  const clock = (seconds) => {
    const whole = Math.floor(seconds);
    const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    return parts[0] ? `${parts[0]}:${String(parts[1]).padStart(2, "0")}:${String(parts[2]).padStart(2, "0")}`
      : `${parts[1]}:${String(parts[2]).padStart(2, "0")}`;
  };
  const element = (kind, name, text) => {
    const made = document.createElement(kind);
    if (name) made.className = name;
    if (text) made.textContent = text;
    return made;
  };
  const place = (item, start) => {
    const later = [...turns.children].find((other) => other !== item && Number(other.dataset.start) > start);
    turns.insertBefore(item, later || null);
  };
  const show = (turn, isFinal) => {
    const key = `t${turn.track}-${turn.ordinal}`;
    const before = at(key);
    if (!turn.text && !(turn.flags || []).length) {
      if (before) before.remove();
      return;
    }
    const item = before || element("li");
    item.id = key;
    const mood = isFinal && turn.mood ? turn.mood.label : null;
    item.className = `turn ${turn.role} ${mood || "none"}${isFinal && turn.text ? "" : " doubtful"}`;
    item.dataset.start = turn.start_s;
    const words = element("div", "words");
    const text = element("p", "", turn.text || "(not recognised)");
    text.dir = "auto";
    words.append(text);
    if (mood in moods) words.append(element("span", `mood ${mood}`, moods[mood]));
    item.replaceChildren(element("span", "at", clock(turn.start_s)), element("b", "role", roles[turn.role]), words);
    if (!before) place(item, turn.start_s);
    at("nothing").hidden = true;
    if (at("follow").checked) turns.lastElementChild.scrollIntoView({ block: "nearest" });
  };
  const state = (text, name) => at("state").replaceChildren(element("span", `badge ${name}`, text));
  const notice = (text) => {
    at("notice").textContent = text;
    at("notice").hidden = false;
  };
  const analysed = (told) => {
    if (told.topic) at("title").textContent = told.topic + (told.subtopic ? ` › ${told.subtopic}` : "");
    const missing = told.missing.summary || told.missing.analysis || "none was made";
    at("summary").textContent = told.summary || `No summary: ${missing}.`;
    at("summary").classList.toggle("soft", !told.summary);
  };
  const waitForItsPage = async () => {
    for (;;) {
      try {
        const answer = await fetch(page.dataset.call, { headers: { Accept: "application/json" } });
        const call = answer.ok ? await answer.json() : {};
        if (call.call_id) {
          location.replace(`/calls/${call.call_id}`);
          return;
        }
      } catch { /* the server is away: look again */ }
      await new Promise((done) => setTimeout(done, LOOK_AGAIN_MS));
    }
  };

  if (page.dataset.events) {
    const events = new EventSource(page.dataset.events);
    const on = (name, act) => events.addEventListener(name, (event) => act(JSON.parse(event.data)));
    on("partial", (turn) => show(turn, false));
    on("turn", (turn) => show(turn, true));
    on("notice", (told) => notice(told.text));
    on("ending", (told) => {
      state(ends[told.reason] || "The call is over.", "none");
      if (at("summary").classList.contains("soft")) at("summary").textContent = "It is being made.";
    });
    on("analysis", analysed);
    on("ended", () => {
      events.close();
      notice("The recording is being processed. The call's own page opens here as soon as it is there.");
      waitForItsPage();
    });
    events.onerror = () => {
      if (events.readyState === EventSource.CLOSED) {
        notice("The connection to the server is lost. Reload the page.");
      }
    };
  } else {
    waitForItsPage();
  }
})();
