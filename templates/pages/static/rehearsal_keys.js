// The keyboard's way through the rehearsal page: messages and menus by arrow keys, what one was on when it is
// drawn anew or a dialog closes, and new messages told to those who listen. Loaded before rehearsal.js.
"use strict";

const MARKS = ["id", "data-action", "data-react", "data-shortcut", "data-message-shortcut", "data-close", "href", "value", "aria-label"];

// A selector that finds the same control again in newly drawn HTML.
function bearings(node) {
  const marks = MARKS.filter((name) => node.hasAttribute(name)).map((name) => `[${name}="${CSS.escape(node.getAttribute(name))}"]`);
  const row = [".tools", ".reactions"].find((name) => node.closest(name)) ?? "";
  return `${row} ${node.localName}${marks.join("")}`;
}

const keyOf = (node) => node.closest("[data-key]")?.dataset.key;

function focusOn(node) {
  if (!node.matches("a[href], button, input, select, textarea, summary, [tabindex]")) node.tabIndex = -1;
  node.focus({ preventScroll: true });
}

// Carry out a change of what `part` shows; who was on something in it is on the same thing afterwards.
function keepingFocus(part, change) {
  const active = document.activeElement;
  if (!active || active === part || !part.contains(active)) return change();
  const key = keyOf(active);
  const same = bearings(active);
  change();
  if (active.isConnected) return;
  const around = key ? part.querySelector(`[data-key="${CSS.escape(key)}"]`) : part;
  const again = around?.querySelector(same) ?? (key && around) ?? part.closest(".scroll");
  if (again) focusOn(again);
}

// What a dialog or a choice from a menu was opened from: one returns to it.
let opener = null;
let pressedInside = ""; // a selector of what was last pressed in the dialog itself

function remember(node) {
  if (node.closest("#part-modal")) return void (pressedInside = bearings(node));
  const menu = node.closest("details.menu");
  const from = menu ? menu.querySelector("summary") : node;
  opener = { from, key: keyOf(from), same: bearings(from), part: from.closest('[id^="part-"]')?.id };
}

function goBack() {
  if (document.querySelector("dialog[open]")) return;
  const active = document.activeElement;
  if (active && active !== document.body && active.checkVisibility()) return;
  const { from, key, same, part } = opener ?? {};
  const around = part && document.getElementById(part);
  const message = key && around?.querySelector(`[data-key="${CSS.escape(key)}"]`);
  const again = from?.isConnected && from.checkVisibility() ? from : message?.querySelector(same) ?? message ?? around?.querySelector(same);
  const target = again ?? document.querySelector("#composer-text");
  if (target) focusOn(target);
}

// --- arrow keys --------------------------------------------------------------------------------------

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

function menuKey(event, menu) {
  const summary = menu.querySelector("summary");
  if (event.key === "Escape" && menu.open) {
    menu.open = false;
    summary.focus();
    return true;
  }
  if (!(event.key in STEPS) || event.target.matches(".menu-list input")) return false;
  event.preventDefault();
  menu.open = true;
  const items = [...menu.querySelectorAll(".menu-list :is(button, a)")];
  const at = items.indexOf(event.target);
  const next = at < 0 && STEPS[event.key] < 0 ? items.length - 1 : at + STEPS[event.key];
  items[(next + items.length) % items.length]?.focus();
  return true;
}

function optionKey(event, box) {
  const items = [...box.querySelectorAll("[role=option]")];
  const list = box.querySelector("[role=listbox]");
  if (event.key === "Escape" && !list.hidden) {
    event.preventDefault(); // only the list closes, not the dialog it stands in
    list.hidden = true;
    box.querySelector("input").focus();
    return true;
  }
  if (!(event.key in STEPS) || list.hidden || !items.length) return false;
  event.preventDefault();
  const next = items.indexOf(event.target) + STEPS[event.key];
  if (next < 0) box.querySelector("input").focus();
  else items[next % items.length].focus();
  return true;
}

function onMessage(node) {
  focusOn(node);
  node.scrollIntoView({ block: "nearest" });
}

const composerOf = (node) => node.closest("main, .thread")?.querySelector(".composer textarea");

function messageKey(event, box) {
  const message = event.target.closest("[data-ts]");
  if (event.key === "Escape") {
    if (message && event.target !== message) onMessage(message);
    else composerOf(box)?.focus();
    return true;
  }
  if (event.target !== message && event.target !== box) return false;
  const messages = [...box.querySelectorAll(".list > [data-ts]")];
  const at = message ? messages.indexOf(message) : messages.length;
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: messages.length - 1 }[event.key];
  if (next !== undefined) {
    event.preventDefault();
    if (messages[next]) onMessage(messages[next]);
    else if (next >= messages.length) composerOf(box)?.focus();
    return true;
  }
  const thread = message?.querySelector('.tools a[href*="thread="]');
  if (event.key === "Enter" && thread) thread.click();
  return event.key === "Enter";
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
  const menu = event.target.closest("details.menu");
  if (menu && menuKey(event, menu)) return;
  const box = event.target.closest(".suggest");
  if (box && optionKey(event, box)) return;
  const messages = event.target.closest(".scroll.messages");
  if (messages && !event.target.matches("input, select, textarea") && messageKey(event, messages)) return;
  if (event.key === "ArrowUp" && event.target.matches(".composer textarea") && !event.target.value) {
    const last = [...event.target.closest("main, .thread").querySelectorAll(".list > [data-ts]")].at(-1);
    if (last) event.preventDefault(), onMessage(last);
    return;
  }
  if (event.key !== "Escape" || event.target.closest("dialog")) return;
  const sidebar = document.querySelector(".sidebar.open");
  if (sidebar) {
    sidebar.classList.remove("open");
    document.querySelector("[data-sidebar]").focus();
  } else if (!event.target.value) event.target.closest(".thread")?.querySelector("[data-close-thread]").click();
});

// A menu that one has left is closed.
document.addEventListener("focusout", (event) => {
  const menu = event.target.closest("details.menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

// --- telling what is new -----------------------------------------------------------------------------

const newest = new Map();

// Say the messages in `part` that came since the last time, one's own left out.
function tell(part) {
  const messages = [...part.querySelectorAll(":scope > [data-ts]")];
  const last = newest.get(part.id);
  newest.set(part.id, messages.at(-1)?.dataset.ts ?? last ?? "");
  if (last === undefined) return;
  const fresh = messages.filter((node) => node.dataset.ts > last && !("mine" in node.dataset));
  const said = fresh.map((node) => {
    const words = [...node.querySelector(".message-body").children].filter((part) => !part.matches(".by"));
    return `${node.getAttribute("aria-label")}: ${words.map((part) => part.textContent).join(" ").replace(/\s+/g, " ").trim().slice(0, 300)}`;
  });
  if (said.length) speak(said.join("\n"));
}

function speak(text) {
  if (document.ariaNotify) return document.ariaNotify(text);
  const region = document.querySelector("#told"); // for browsers that do not know it yet
  region.textContent = text;
  setTimeout(() => (region.textContent = ""), 1000);
}
