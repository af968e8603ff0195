// Keeps the stage page live: pieces come over server-sent events, controls go out as requests.
"use strict";

const at = (id) => document.getElementById(id);
const body = document.body;
const query = "?segment=" + encodeURIComponent(body.dataset.segment);

function listen() {
  const source = new EventSource("/stage/events" + query);
  source.addEventListener("stage", (event) => {
    const pieces = JSON.parse(event.data);
    const focused = document.activeElement?.closest("#controls button")?.dataset;
    // The server rendered and escaped these pieces; nothing of a person's is put together here.
    at("now").innerHTML = pieces.now;
    at("controls").innerHTML = pieces.controls;
    if (focused) {
      at("controls").querySelector(`[data-deed="${focused.deed}"][data-number="${focused.number ?? ""}"]`)?.focus();
    }
    if (at("say").textContent !== pieces.say) at("say").textContent = pieces.say;
  });
  source.onopen = () => { at("line-status").hidden = true; };
  source.onerror = () => {
    at("line-status").hidden = false;
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000); // the server refused for now
  };
  return source;
}

async function send(path, given) {
  const response = await fetch(path + query, {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify(given),
  });
  const answer = await response.json();
  at("refused").hidden = response.ok;
  at("refused").textContent = response.ok ? "" : answer.sentence;
  return response.ok;
}

async function press(button) {
  button.disabled = true;
  const {deed, number, revision} = button.dataset;
  try {
    await send("/stage/do", {deed, number: number ? Number(number) : null, revision: Number(revision)});
  } catch {
    at("refused").hidden = false;
    at("refused").textContent = "That did not reach the server. Please try again.";
  }
  button.disabled = false;
}

function theme() {
  const root = document.documentElement;
  const dark = root.classList.contains("dark")
    || (!root.classList.contains("light") && matchMedia("(prefers-color-scheme: dark)").matches);
  root.classList.toggle("dark", !dark);
  root.classList.toggle("light", dark);
}

function resize(step) {
  const style = document.documentElement.style;
  const scale = Number(style.getPropertyValue("--scale") || 1) + step;
  style.setProperty("--scale", Math.min(2, Math.max(0.6, scale)).toFixed(1));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-deed]");
  if (button) press(button);
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const controls = {ArrowRight: "advance", PageDown: "advance", u: "undo"};
  const wanted = at("controls").querySelector(`[data-key="${controls[event.key] ?? "-"}"]`);
  if (wanted) { event.preventDefault(); press(wanted); return; }
  if (event.key === "f") {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  } else if (event.key === "d") theme();
  else if (event.key === "+") resize(0.1);
  else if (event.key === "-") resize(-0.1);
});

// A moderator's link carries its secret in the fragment, which no server or proxy on the way writes down.
const key = new URLSearchParams(location.hash.slice(1)).get("key");
if (key) {
  history.replaceState(null, "", location.pathname + location.search);
  send("/stage/key", {key}).then((ok) => { if (ok) location.reload(); });
} else {
  listen();
}
