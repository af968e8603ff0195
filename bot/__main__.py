"""The command line: `workshop-bot`, the same as `python -m bot`.

Exit status: 0 done, 1 the thing asked for failed, 2 wrong usage or configuration. Every command that
prints data has `--json`. The commands themselves are in `bot.commands`.
"""

from __future__ import annotations

import sys

import typer

from bot.commands import asking, checking, forgetting, joining, programme, questions, reporting
from bot.commands.opening import err, load
from bot.errors import ConfigError, Refusal, SlackAway, StoreError
from bot.rendering import Rendering, unescape

app = typer.Typer(
    name="workshop-bot",
    help="Runs the operations of one virtual workshop in Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(joining.rehearse)
app.command()(joining.run)
app.command()(checking.check)
app.command()(checking.status)
app.command()(asking.ask)
app.command()(asking.plan)
app.add_typer(programme.app, name="programme")
app.command(name="calendar")(asking.calendar_command)
app.add_typer(questions.app, name="questions")
app.command()(questions.inquiries)
app.command()(reporting.report)
app.command()(asking.manifest)
app.command()(forgetting.erase)
app.command()(forgetting.restored)


def main() -> None:
    """Run the command line; named failures become one sentence and an exit status."""
    try:
        app()
    except ConfigError as error:
        for mistake in error.mistakes:
            err.print(f"error: {mistake}", markup=False)
        sys.exit(2)
    except (StoreError, SlackAway) as error:
        err.print(f"error: {error}", markup=False)
        sys.exit(1)
    except Refusal as refusal:
        err.print(f"error: {_explain(refusal)}", markup=False)
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output went away: nothing is wrong here
        sys.stderr.close()
        sys.exit(1)


def _explain(refusal: Refusal) -> str:
    try:
        return unescape(Rendering(load(None)).text(f"errors/{refusal.code}.txt.j2", refusal.values))
    except ConfigError:
        return refusal.code


if __name__ == "__main__":
    main()
