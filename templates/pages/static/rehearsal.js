// The rehearsal page's behaviour. The server draws everything; this file sends what people do to the
// people interface (/people/…), and puts newly drawn parts in place when /live says that something changed.
"use strict";

const here = document.body.dataset;
const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const words = find("#words").dataset;

function toast(text) {
  const box = document.createElement("p");
  box.className = "toast";
  box.textContent = text;
  find(".toasts").append(box);
  setTimeout(() => box.remove(), 7000);
}

async function send(path, body, method = "POST") {
  try {
    const response = await fetch(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const answer = await response.json();
    if (!answer.ok) toast(answer.why || answer.error);
    if (answer.failure) toast(answer.failure);
    return answer;
  } catch {
    toast(words.lost);
    return { ok: false };
  }
}

const act = (deed, wish) => send(`/people/${here.me}/${deed}`, wish);

// --- putting newly drawn parts in place -------------------------------------------------------------

// Lists of keyed children (messages) are compared one by one, so that open menus, selections and the
// place one has scrolled to survive; other parts are replaced as a whole when their source changed.
// A list may be drawn anew from its middle on: what is older than the first of the new ones stays.
const drawn = new Map();
let behind = false;

function replaceKeyed(part, html) {
  const next = document.createElement("template");
  next.innerHTML = html;
  const wanted = [...next.content.children];
  const present = new Map(all(":scope > [data-key]", part).map((node) => [node.dataset.key, node]));
  const stamp = (node) => node.dataset.key?.replace("day-", "") ?? "";
  const older = (node) => wanted.length > 0 && stamp(node) !== "" && stamp(node) < stamp(wanted[0]);
  const keep = new Set([...part.children].filter(older));
  let cursor = [...part.children].find((node) => !keep.has(node)) ?? null;
  for (const node of wanted) {
    const old = present.get(node.dataset.key);
    const source = node.outerHTML;
    let placed = node;
    if (old && old.source === source) placed = old;
    else if (old && find("details[open], .editing", old)) {
      placed = old; // somebody is using it: it is drawn anew when they have finished
      behind = true;
    } else node.source = source;
    keep.add(placed);
    if (placed === cursor) cursor = cursor.nextElementSibling;
    else part.insertBefore(placed, cursor);
  }
  for (const node of [...part.children]) if (!keep.has(node)) node.remove();
}

function put(name, html) {
  const part = find(`#part-${name}`);
  if (!part || drawn.get(name) === html) return;
  drawn.set(name, html);
  if (name === "messages" || name === "thread") {
    keepingFocus(part, () => replaceKeyed(part, html));
    tell(part);
  } else if (name === "modal") {
    putModal(part, html);
  } else if (!find("details[open]", part)) {
    keepingFocus(part, () => (part.innerHTML = html));
  } else drawn.delete(name);
}

function putModal(dialog, html) {
  const before = find("form", dialog);
  const typed = before ? gather(before) : null;
  const focused = document.activeElement && document.activeElement.id;
  dialog.innerHTML = html;
  const form = find("form", dialog);
  if (!form) {
    if (dialog.open) dialog.close();
    return goBack();
  }
  if (typed && before.dataset.view === form.dataset.view) refill(form, typed, before.dataset.hash === form.dataset.hash);
  if (!dialog.open) dialog.showModal();
  const target = (focused && find(`#${CSS.escape(focused)}`, form)) || find(".has-error input, .has-error textarea", form) || find("textarea, input, select", form) || (pressedInside && find(pressedInside, form)) || find(".modal-body button, .modal-body a, footer button", form);
  if (target) target.focus();
}

// What changes is nearly always near the end: the last messages are drawn anew at once, all that are there
// when nothing else has happened for a while, or when one has oneself done something to one of them.
const NEAR = 60;
const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 50));
let asked = 0;
let later = 0;

const there = () => all("#part-messages > [data-ts]").length;

async function refresh({ whole = false } = {}) {
  const mine = ++asked;
  const limit = whole ? Math.max(NEAR, there()) : NEAR;
  const query = new URLSearchParams({ as: here.me, in: here.channel, thread: here.thread, tab: here.tab, limit });
  const response = await fetch(`/page/parts?${query}`);
  if (!response.ok || mine !== asked) return;
  const { parts, all: number, unread, unread_thread: unreadThread } = await response.json();
  for (const [name, html] of Object.entries(parts)) put(name, html);
  showAbove(number - there());
  if (!whole && there() > NEAR) later ||= setTimeout(() => idle(() => ((later = 0), refresh({ whole: true }))), 1500);
  if (document.visibilityState !== "visible" || here.tab !== "messages") return;
  if (unread) act("read", { channel: here.channel });
  if (unreadThread) act("read", { channel: here.channel, thread_ts: here.thread });
}

const redraw = () => refresh({ whole: true });

// A screenful is there at first; more comes while nothing else happens, and whatever one scrolls up to.
let fetching = null;

function showAbove(number) {
  const line = find(".earlier");
  if (!line) return;
  line.dataset.above = number;
  line.hidden = number <= 0;
  find(".above", line).textContent = number;
}

const fetchEarlier = () => (fetching ??= addEarlier().finally(() => (fetching = null)));

async function addEarlier() {
  const first = find("#part-messages > [data-ts]");
  if (!first || find(".earlier").hidden) return;
  const response = await fetch(`/page/earlier?${new URLSearchParams({ as: here.me, in: here.channel, before: first.dataset.ts, limit: 100 })}`);
  if (!response.ok) return;
  const { html, above } = await response.json();
  const next = document.createElement("template");
  next.innerHTML = html;
  const present = new Set(all("#part-messages > [data-key]").map((node) => node.dataset.key)); // meanwhile
  const nodes = [...next.content.children].filter((node) => !present.has(node.dataset.key));
  for (const node of nodes) node.source = node.outerHTML;
  find("#part-messages").prepend(...nodes);
  showAbove(above);
  lead();
}

function fill() {
  const wanting = () => there() < Number(here.limit) && !find(".earlier").hidden;
  if (wanting()) idle(() => wanting() && fetchEarlier().then(fill));
}

function watchTop() {
  const line = find(".earlier");
  const watcher = new IntersectionObserver((seen) => {
    if (!seen.at(-1).isIntersecting) return;
    watcher.unobserve(line);
    fetchEarlier().finally(() => watcher.observe(line)); // observed anew, it tells whether it is still in sight
  }, { root: line.parentElement, rootMargin: "1500px 0px 0px 0px" });
  watcher.observe(line);
}

// To the message that the address or an open thread is about, once it is there.
let led = false;
function lead() {
  const target = find(location.hash ? `[id="${CSS.escape(location.hash.slice(1))}"]` : `[id="m-${here.thread}"]`);
  if (!led && target) target.scrollIntoView({ block: "nearest" });
  led ||= Boolean(target);
}

let logged = Promise.resolve(); // one reading after the other, so that no entry shows twice
async function refreshLog() {
  const response = await fetch(`/page/log?after=${here.seq}`);
  const { html, seq } = await response.json();
  here.seq = seq;
  const rows = document.createElement("tbody");
  rows.innerHTML = html;
  find("#part-log").prepend(...rows.children);
}

let day;
function listen() {
  const inspecting = document.body.classList.contains("inspector");
  const source = new EventSource(inspecting ? "/live?log" : "/live");
  source.onmessage = (event) => {
    const state = JSON.parse(event.data);
    if (state.day !== (day ??= state.day)) return location.reload(); // a new day: nothing here is left
    if (inspecting) return void (logged = logged.then(refreshLog));
    setClock(state.now, state.speed);
    refresh();
  };
  // The browser comes back by itself; a restarted server gets a whole new page.
  source.onerror = () => source.readyState === EventSource.CLOSED && setTimeout(() => location.reload(), 1500);
}

// --- the clock ---------------------------------------------------------------------------------------

const clock = { from: 0, at: 0, speed: 0 };

function setClock(now, speed) {
  Object.assign(clock, { from: Date.parse(now), at: performance.now(), speed });
  const toggle = find('[data-clock="toggle"]');
  if (toggle) {
    toggle.textContent = speed === 0 ? "▶" : "⏸";
    toggle.setAttribute("aria-label", speed === 0 ? toggle.dataset.run : toggle.dataset.stop);
  }
  const choice = find('select[data-clock="speed"]');
  if (choice && speed > 0 && document.activeElement !== choice) choice.value = `${speed.toFixed(1)}`;
  tick();
}

function tick() {
  const shown = find(".clock");
  if (!shown) return;
  const now = new Date(clock.from + (performance.now() - clock.at) * clock.speed);
  const zone = { timeZone: shown.dataset.zone };
  find(".clock-day").textContent = now.toLocaleDateString("en-GB", { ...zone, weekday: "short", day: "numeric", month: "short", year: "numeric" });
  find(".clock-time").textContent = now.toLocaleTimeString("en-GB", { ...zone, hour12: false });
  const landmarks = all("[data-jump]");
  const ahead = landmarks.filter((node) => Date.parse(node.dataset.jump) > now);
  for (const node of landmarks) {
    node.classList.toggle("past", !ahead.includes(node));
    find(".badge", node).hidden = node !== ahead[0];
  }
  for (const node of all("[data-jump-next]")) node.disabled = !ahead.length;
  for (const other of all("[data-zone]:not(.clock)")) other.textContent = now.toLocaleTimeString("en-GB", { timeZone: other.dataset.zone, hour: "2-digit", minute: "2-digit" });
}

async function jump(at) {
  const now = clock.from + (performance.now() - clock.at) * clock.speed;
  if (Date.parse(at) < now && !(await confirmed({ title: words.backTitle, text: words.back, confirm: words.yes, deny: words.no }))) return;
  all(".jump[open]").forEach((menu) => (menu.open = false));
  const answer = await send("/clock", { jump: at });
  if (answer.ok) setClock(answer.now, answer.speed);
}

async function play(button) {
  const { scenario, anywhere } = button.dataset;
  if (anywhere === "no" && !(await confirmed({ title: words.anewTitle, text: words.anew, confirm: words.anewYes, deny: words.no }))) return;
  all(".jump[open]").forEach((menu) => (menu.open = false));
  toast(words.playing);
  const answer = await send("/scenarios", { play: scenario });
  if (answer.ok) toast([words.played, answer.title, "·", answer.deeds, words.deeds, answer.unexpected.length, words.unexpected].join(" "));
}

// A wall-clock time in a zone as an instant: guess, see what the guess reads there, correct.
function instantIn(local, zone) {
  const wanted = Date.parse(`${local}:00Z`);
  let guess = wanted;
  for (let round = 0; round < 2; round += 1) {
    const parts = Object.fromEntries(new Intl.DateTimeFormat("en-CA", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" }).formatToParts(guess).map((part) => [part.type, part.value]));
    guess += wanted - Date.parse(`${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:00Z`);
  }
  return new Date(guess).toISOString();
}

// --- elements: what they hold, and pressing them -----------------------------------------------------

function place(node) {
  const view = node.closest("[data-view]");
  if (view) return { view_id: view.dataset.view, values: gather(view) };
  const message = node.closest("[data-ts]");
  return { channel: message.dataset.channel, ts: message.dataset.ts, attachment: node.closest("[data-attachment]")?.dataset.attachment };
}

function valueOf(node) {
  const kind = node.dataset.type;
  if (kind === "checkboxes") return all("input:checked", node).map((box) => box.value);
  if (kind === "radio_buttons") return find("input:checked", node)?.value ?? null;
  if (kind.startsWith("multi_") && node.options) return [...node.selectedOptions].map((option) => option.value);
  if (kind.endsWith("external_select")) {
    const option = node.chosen ?? null;
    return kind.startsWith("multi_") ? (option ? [option] : undefined) : option ?? undefined;
  }
  if (kind === "datetimepicker") return node.value ? Date.parse(instantIn(node.value, find(".me [data-zone]").dataset.zone)) / 1000 : null;
  if (kind === "file_input") return node.read ?? undefined;
  return node.value === "" ? null : node.value;
}

const STATELESS = new Set(["button", "overflow", "workflow_button", "icon_button"]);

function gather(form) {
  const values = {};
  for (const node of all("[data-action]", form)) {
    if (STATELESS.has(node.dataset.type)) continue;
    const value = valueOf(node);
    if (value !== undefined) (values[node.dataset.block] ??= {})[node.dataset.action] = value;
  }
  return values;
}

// What was typed but not yet sent stays when the app changes the modal under one's hands.
function refill(form, typed, unchanged) {
  for (const node of all("textarea[data-action], input[data-action]", form)) {
    const value = typed[node.dataset.block]?.[node.dataset.action];
    if (typeof value === "string" && (unchanged || node.value === "")) node.value = value;
  }
}

function confirmed({ title, text, confirm, deny }) {
  const dialog = find("#confirm");
  find("#confirm-title").textContent = title;
  find(".confirm-text", dialog).textContent = text;
  const [no, yes] = all("footer button", dialog);
  no.textContent = deny;
  yes.textContent = confirm;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => (goBack(), done(dialog.returnValue === "yes")), { once: true }));
}

async function press(node, value) {
  const holder = node.closest("[data-action]");
  if (holder.dataset.confirm) {
    const ask = JSON.parse(holder.dataset.confirm);
    const agreed = await confirmed({ title: ask.title.text, text: ask.text.text, confirm: ask.confirm.text, deny: ask.deny.text });
    if (!agreed) return;
  }
  holder.classList.add("waiting");
  await act("click", { ...place(holder), action_id: holder.dataset.action, block_id: holder.dataset.block, value });
  holder.classList.remove("waiting");
  redraw();
}

async function suggest(input) {
  const list = input.nextElementSibling;
  if (input.value.length < Number(input.dataset.least)) return (list.hidden = true);
  const { values, ...where } = place(input);
  const answer = await act("suggest", { ...where, action_id: input.dataset.action, block_id: input.dataset.block, query: input.value });
  list.replaceChildren(...(answer.options || []).map((option) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("role", "option");
    button.textContent = option.text.text;
    button.addEventListener("click", () => {
      input.value = option.text.text;
      input.chosen = option;
      list.hidden = true;
      input.focus();
      if ("send" in input.dataset) press(input, input.dataset.type.startsWith("multi_") ? [option] : option);
    });
    return button;
  }));
  if (!list.children.length) list.append(words.invisible);
  list.hidden = false;
}

// --- the composer ------------------------------------------------------------------------------------

const known = JSON.parse(find("#suggest-data")?.textContent || '{"commands":[],"people":[],"channels":[]}');

function grow(area) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}

function offers(text) {
  const match = /(^\/\S*|(?:^|\s)[@#]\S*)$/.exec(text);
  if (!match) return [];
  const token = match[0].trim();
  const begins = (name) => name.toLowerCase().includes(token.slice(1).toLowerCase());
  if (token[0] === "/") return known.commands.filter(([name]) => name.startsWith(token)).map(([name, hint, about]) => ({ put: `${name} `, token, title: `${name} ${hint}`, note: about }));
  if (token[0] === "@") return known.people.filter(([name, real]) => begins(name) || begins(real)).slice(0, 8).map(([name, real]) => ({ put: `@${name} `, token, title: real, note: `@${name}` }));
  return known.channels.filter(begins).map((name) => ({ put: `#${name} `, token, title: `#${name}`, note: "" }));
}

function showOffers(form) {
  const list = find(".suggestions", form);
  const area = find("textarea", form);
  // What is already written in full needs no offer, and Enter should send it.
  const found = offers(area.value.slice(0, area.selectionStart)).filter((offer) => offer.put.trim() !== offer.token);
  list.hidden = !found.length;
  if (found.length) area.setAttribute("aria-activedescendant", `${list.id}-0`);
  else area.removeAttribute("aria-activedescendant");
  list.replaceChildren(...found.map((offer, index) => {
    const item = document.createElement("div");
    item.id = `${list.id}-${index}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(index === 0));
    item.append(Object.assign(document.createElement("strong"), { textContent: offer.title }), Object.assign(document.createElement("small"), { textContent: offer.note }));
    item.take = () => {
      const end = area.selectionStart;
      area.setRangeText(offer.put, end - offer.token.length, end, "end");
      hideOffers(list);
      area.focus();
    };
    item.addEventListener("mousedown", (event) => (event.preventDefault(), item.take()));
    return item;
  }));
}

function hideOffers(list) {
  list.hidden = true;
  find("textarea", list.parentElement).removeAttribute("aria-activedescendant");
}

function moveOffer(list, step) {
  const items = [...list.children];
  const now = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  items[now].setAttribute("aria-selected", "false");
  const next = items[(now + step + items.length) % items.length];
  next.setAttribute("aria-selected", "true");
  find("textarea", list.parentElement).setAttribute("aria-activedescendant", next.id);
  next.scrollIntoView({ block: "nearest" });
}

const base64 = (file) => new Promise((done) => {
  const reader = new FileReader();
  reader.onload = () => done({ name: file.name, base64: reader.result.split(",")[1] });
  reader.readAsDataURL(file);
});

async function submitComposer(form) {
  const area = find("textarea", form);
  remember(area);
  const text = area.value;
  const chosen = find(".attach input", form);
  const files = await Promise.all([...(chosen?.files || [])].map(base64));
  if (!text.trim() && !files.length) return;
  const command = text.startsWith("/") && !form.dataset.thread && !files.length;
  area.value = "";
  if (chosen) chosen.value = "";
  if (find(".files-chosen", form)) find(".files-chosen", form).textContent = "";
  grow(area);
  form.parentElement.querySelector(".scroll").scrollTop = 0; // its end: the scroller is reversed
  const wish = { channel: here.channel, text };
  const answer = command ? await act("command", wish) : await act("say", { ...wish, thread_ts: form.dataset.thread || null, files });
  if (!answer.ok && !area.value) area.value = text;
  refresh();
}

function composerKey(event) {
  const area = event.target;
  const list = find(".suggestions", area.form);
  if (list && !list.hidden) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") return event.preventDefault(), moveOffer(list, event.key === "ArrowDown" ? 1 : -1);
    if (event.key === "Tab" || event.key === "Enter") {
      const offer = find('[aria-selected="true"]', list);
      event.preventDefault();
      return offer.take();
    }
    if (event.key === "Escape") return event.preventDefault(), hideOffers(list);
  }
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    area.form.requestSubmit();
  }
}

// --- one listener a kind of event --------------------------------------------------------------------

const CLICKS = {
  "[data-sidebar]": (node) => node.setAttribute("aria-expanded", String(find(".sidebar").classList.toggle("open"))),
  "[data-earlier]": fetchEarlier,
  "[data-join]": async () => (await act("join", { channel: here.channel })).ok && location.reload(),
  "[data-leave]": async () => (await act("leave", { channel: here.channel })).ok && location.reload(),
  "[data-shortcut]": (node) => act("shortcut", { callback_id: node.dataset.shortcut }).then(redraw),
  "[data-message-shortcut]": (node) => act("message_shortcut", { ...place(node), callback_id: node.dataset.messageShortcut }).then(redraw),
  "[data-react]": (node) => {
    const message = node.closest("[data-ts]");
    const mine = find(`.reaction[data-react="${CSS.escape(node.dataset.react)}"]`, message)?.getAttribute("aria-pressed") === "true";
    act(mine ? "unreact" : "react", { ...place(node), name: node.dataset.react }).then(redraw);
  },
  "[data-edit]": (node) => edit(node.closest("[data-ts]"), node.dataset.text),
  "[data-delete]": async (node) => {
    const agreed = await confirmed({ title: words.deleteTitle, text: words.delete, confirm: words.deleteYes, deny: words.deleteNo });
    if (agreed) act("delete", place(node)).then(redraw);
  },
  "[data-close]": (node) => act("close_view", { view_id: node.closest("[data-view]").dataset.view, all: node.dataset.close === "all" }).then(redraw),
  '[data-clock="toggle"]': () => send("/clock", clock.speed === 0 ? { resume: true } : { pause: true }),
  "[data-jump]": (node) => jump(node.dataset.jump),
  "[data-jump-next]": () => jump(find("[data-jump]:not(.past)").dataset.jump),
  "[data-scenario]": (node) => play(node),
  "[data-disconnect]": (node) => send("/disconnect", { reason: node.form.reason.value }),
  "[data-disarm]": () => send("/faults", {}, "DELETE").then(showArmed),
  'a[href*="/archives/"]': (node) => {
    const url = new URL(node.href); // a permalink: one goes there as oneself
    if (url.origin !== location.origin) return;
    url.searchParams.set("as", here.me);
    node.href = url;
  },
  'button[data-action], a[data-action]': (node) => press(node, node.value || undefined),
};

function edit(message, text) {
  const body = find(".mrkdwn", message);
  const area = document.createElement("textarea");
  area.className = "editing";
  area.value = text;
  body.replaceChildren(area);
  area.focus();
  area.addEventListener("keydown", (event) => {
    const done = () => {
      focusOn(message);
      area.remove();
      message.source = "";
      drawn.clear();
      redraw();
    };
    if (event.key === "Escape") event.stopPropagation(), done();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    act("edit", { ...place(message), text: area.value }).then(done);
  });
}

const showArmed = (answer) => {
  if (!answer.armed) return;
  find(".armed").replaceChildren(...answer.armed.map((fault) => Object.assign(document.createElement("span"), { className: "badge", textContent: `${fault.kind} · ${fault.target}` })));
};

document.addEventListener("click", (event) => {
  for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  if (!event.target.closest(".sidebar, [data-sidebar]")) find(".sidebar")?.classList.remove("open");
  for (const [selector, act_] of Object.entries(CLICKS)) {
    const node = event.target.closest(selector);
    if (!node) continue;
    remember(node);
    if (node.matches('[role="menuitem"]')) {
      node.closest("details").open = false;
      goBack();
    }
    return void act_(node);
  }
});

document.addEventListener("change", (event) => {
  const node = event.target;
  if (node.matches('select[data-clock="speed"]')) return send("/clock", { speed: Number(node.value) });
  if (node.closest(".attach")) return (find(".files-chosen", node.form).textContent = [...node.files].map((file) => file.name).join(", "));
  if (node.dataset.type === "file_input") return Promise.all([...node.files].map(base64)).then((read) => (node.read = read));
  const holder = node.closest("[data-action]");
  if (!holder || !("send" in holder.dataset) || holder.dataset.type.endsWith("external_select") || holder.matches("button, a")) return;
  press(holder, valueOf(holder));
});

let typing = 0;
document.addEventListener("input", (event) => {
  const node = event.target;
  if (node.closest(".composer") && node.matches("textarea")) {
    grow(node);
    showOffers(node.form);
  }
  if (node.dataset.type?.endsWith("external_select")) {
    clearTimeout(typing);
    node.chosen = null;
    typing = setTimeout(() => suggest(node), 150);
  }
});

document.addEventListener("toggle", (event) => {
  if (event.target.open || !behind) return;
  behind = false;
  drawn.clear();
  refresh();
}, true);

document.addEventListener("keydown", (event) => {
  if (event.target.matches(".composer textarea")) composerKey(event);
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.closest("#confirm")) return;
  event.preventDefault();
  if (form.matches(".composer")) return submitComposer(form);
  if (form.matches(".jump-free")) return jump(instantIn(find("input", form).value, find(".clock").dataset.zone));
  if (form.matches(".faults")) {
    const target = form.target.value;
    const wish = target === "envelopes" ? { envelopes: form.kind.value } : { method: target, kind: form.kind.value };
    return showArmed(await send("/faults", { ...wish, count: Number(form.count.value) }));
  }
  if (form.matches("[data-view]")) {
    const button = find('button[type="submit"]', form);
    button.disabled = true;
    await act("submit", { view_id: form.dataset.view, values: gather(form) });
    button.disabled = false;
    drawn.delete("modal");
    refresh();
  }
});

document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && find("#part-sidebar") && refresh());

// Escape on the app's modal closes the topmost view on the server as well.
find("#part-modal")?.addEventListener("cancel", (event) => {
  event.preventDefault();
  find('[data-close="one"]', event.target)?.click();
});

if (find(".earlier")) {
  fill();
  watchTop();
  lead();
}
for (const part of all(".messages > .list")) {
  for (const node of part.children) node.source = node.outerHTML;
  tell(part);
}
if (find(".clock")) {
  setClock(find(".clock").dataset.now, Number(find(".clock").dataset.speed));
  setInterval(tick, 250);
}
if (find("#part-modal form")) find("#part-modal").showModal();
if (here.tab === "home") act("home", {});
find('.rail [aria-current="true"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
if (window.matchMedia("(min-width: 721px)").matches && !find("dialog[open]")) (find(".thread textarea") || find("#composer-text"))?.focus();
listen();
