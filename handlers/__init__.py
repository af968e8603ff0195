"""Slack listeners and web routes, one file per noun; `register` lists every Slack entry."""
