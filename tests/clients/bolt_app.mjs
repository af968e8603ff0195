// A small app on Bolt for JavaScript, as anybody might write one, that uses what the local workspace
// promises. It is started by test_bolt_js.py, which lets people act and looks at what they see.
import bolt from "@slack/bolt";

const { App } = bolt;
const { SLACK_API_URL, BOT_TOKEN, APP_TOKEN, SIGNING_SECRET, MODE } = process.env;

const app = new App({
  token: BOT_TOKEN,
  signingSecret: SIGNING_SECRET,
  ...(MODE === "socket" ? { socketMode: true, appToken: APP_TOKEN } : {}),
  clientOptions: { slackApiUrl: SLACK_API_URL },
});

const plain = (text) => ({ type: "plain_text", text });
const input = (id, extra = {}) => ({
  type: "input", block_id: id, label: plain(id), element: { type: "plain_text_input", action_id: "text" }, ...extra,
});
const modal = (callback_id, ...blocks) => ({ type: "modal", callback_id, title: plain("Title"), submit: plain("Send"), notify_on_close: true, blocks });

const received = [];
app.use(async ({ body, next }) => {
  received.push(body.type ?? "command");
  await next();
});

app.message("history", async ({ message, client }) => {
  const seen = [];
  for await (const page of client.paginate("conversations.history", { channel: message.channel, limit: 2, include_all_metadata: true })) {
    seen.push(...page.messages.map((each) => `${each.text}/${each.metadata?.event_payload?.id ?? "-"}`));
  }
  await client.chat.postMessage({ channel: message.channel, text: `seen ${seen.length}: ${seen.at(-1)}` });
});

app.message(/^hello/, async ({ message, say }) => {
  await say({ text: `hello <@${message.user}>`, thread_ts: message.ts, metadata: { event_type: "greeting", event_payload: { id: "7" } } });
});

app.event("app_mention", async ({ event, client }) => {
  await client.reactions.add({ channel: event.channel, timestamp: event.ts, name: "eyes" });
  await client.chat.postMessage({
    channel: event.channel,
    thread_ts: event.ts,
    text: "press",
    blocks: [{ type: "actions", block_id: "row", elements: [
      { type: "button", action_id: "press", text: plain("Press"), value: "42" },
      { type: "external_select", action_id: "pick", min_query_length: 1 },
    ] }],
  });
});

app.action("press", async ({ ack, action, respond, body }) => {
  await ack();
  await respond({ replace_original: true, text: `pressed ${action.value} by ${body.user.name}` });
});

app.options("pick", async ({ ack, payload }) => ack({ options: [{ text: plain(`${payload.value}!`), value: "1" }] }));
app.action("pick", async ({ ack }) => ack());

app.command("/workshop", async ({ ack, command, respond, client }) => {
  if (command.text === "silent") return;
  if (command.text === "file") {
    await ack();
    await client.filesUploadV2({ channel_id: command.channel_id, filename: "notes.txt", content: "some notes", initial_comment: "Here" });
    return;
  }
  await ack(`${command.channel_name}: ${command.text}`);
  await respond({ text: "and later", response_type: "in_channel" });
});

app.shortcut("ask", async ({ ack, body, client }) => {
  await ack();
  const about = body.type === "message_action" ? body.message.text : "nothing";
  await client.views.open({ trigger_id: body.trigger_id, view: { ...modal("first", input("q")), private_metadata: about } });
});

app.view("first", async ({ ack, view }) => {
  const text = view.state.values.q.text.value;
  if (text === "wrong") return ack({ response_action: "errors", errors: { q: "Not like this." } });
  if (text === "update") return ack({ response_action: "update", view: modal("first", input("q"), input("more", { optional: true })) });
  return ack({ response_action: "push", view: modal("second", input("r")) });
});

app.view("second", async ({ ack, body, client }) => {
  await ack({ response_action: "clear" });
  await client.chat.postMessage({ channel: body.user.id, text: "both done" });
});

app.view({ callback_id: "first", type: "view_closed" }, async ({ ack, body, client }) => {
  await ack();
  await client.chat.postMessage({ channel: body.user.id, text: `closed, cleared ${body.is_cleared}` });
});

app.event("app_home_opened", async ({ event, client }) => {
  await client.views.publish({
    user_id: event.user,
    view: { type: "home", blocks: [{ type: "section", text: plain(event.view ? "welcome back" : "welcome") }] },
  });
});

app.event("reaction_added", async ({ event, client }) => {
  await client.chat.postEphemeral({ channel: event.item.channel, user: event.user, text: `thanks for :${event.reaction}:` });
});

await app.start(0);
const port = MODE === "socket" ? 0 : app.receiver.server.address().port;
console.log(JSON.stringify({ ready: true, port }));
process.stdin.resume();
process.stdin.on("end", async () => {
  await app.stop();
  process.exit(0);
});
