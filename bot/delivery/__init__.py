"""Getting messages into Slack: the outbox, the sender, the retry decision, the alarm clock."""
