"""The operations of one virtual workshop, in plain Python.

No Slack payload, no web request and no Bolt object comes in here: `handlers` turns those into plain
values, calls one function of this package inside one transaction, and answers. What must reach people
is a row in the outbox, written in that same transaction; the sender posts it after the commit.

The parts, in the order in which they may import each other (a part imports only what stands above it):

1. `errors`, `clock`, `config`      named failures; the only source of time; config.toml as typed sections
2. `rendering`, `store`, `people`   templates to text, Block Kit and HTML; tables and transactions; who is who
3. `delivery`                       outbox, sender, retry decision, alarm clock
4. `programme`                      segments, versions, changes, calendar, event-page watch
5. `questions`, `reminders`         the panel's queue; what is due when, by rule
6. `answers`                        understanding an inquiry, composing a reply, the unanswered queue
7. `announcements`                  what an organiser writes or approves; releases programme versions
8. `handlers`                       (own package) Slack listeners and web routes, one file per noun
9. `app`                            composition root: builds everything, start order, stop order
10. `__main__`                      the command line

`report` stands beside 7. `rehearsal`, the local Slack-compatible workspace, imports only `clock`,
`config` and `rendering`; `app` and the tests start it. `tests/test_architecture.py` checks the arrows.
"""
