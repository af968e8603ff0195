"""A local Slack-compatible workspace: Web API, Socket Mode, signed HTTP, and the people in it.

Part of the product: organisers rehearse on it, `rehearse --day` plays on it, and every test that needs
Slack runs against it through the real clients. It knows nothing of the bot: only `bot.clock`,
`bot.config` and `bot.rendering` are imported.

server          LocalWorkspace: composition, start, stop
state           what a workspace consists of           seed          who and what it starts with
workspace       everything that may happen to it       composer      what Slack makes of typed text
views           modals and Home tabs                   inputs        what is put into their elements
blockkit        Block Kit's rules                      attachments   the old way to add blocks and buttons
rates           Slack's rate limits
web_api, calls, methods/                               /api/<method>
envelopes       deadlines, retries                     socket_mode, request_url   the two roads to the app
deeds, reach, payloads      what people do, what they can reach, and what the app is told of it
scenario, player, transcript   what is played, by whom, and what is kept of it
people_api, seen   the same as JSON over HTTP          response_urls
avatars         pictures of accounts                   uploads       files that people bring
control, faults, log   clock, switches, inspector      listening     the network
"""
