"""views.*: modals and the Home tab."""

from __future__ import annotations

from bot.rehearsal.calls import ApiError, Call, missing
from bot.rehearsal.state import Json, View
from bot.rehearsal.views import ViewError


async def open_(call: Call) -> Json:
    try:
        user, channel = call.views.redeem(_trigger(call))
        return {"view": call.views.open(user, call.data("view"), channel=channel).as_dict()}
    except ViewError as error:
        raise _refused(error) from None


async def push(call: Call) -> Json:
    try:
        user, channel = call.views.redeem(_trigger(call))
        return {"view": call.views.push(user, call.data("view"), channel=channel).as_dict()}
    except ViewError as error:
        raise _refused(error) from None


async def update(call: Call) -> Json:
    if not call.text("view_id") and not call.text("external_id"):
        raise missing("view_id")
    view = call.views.find(view_id=call.text("view_id"), external_id=call.text("external_id"))
    if view is None:
        raise ApiError("not_found")
    return _updated(call, view)


async def publish(call: Call) -> Json:
    if not call.options.home_enabled:
        raise ApiError("not_enabled")
    user = call.user("user_id")
    try:
        return {
            "view": call.views.publish(user.id, call.data("view"), expected_hash=call.text("hash")).as_dict()
        }
    except ViewError as error:
        raise _refused(error) from None


def _trigger(call: Call) -> str:
    """What lets a modal be opened; newer clients call it the interactivity pointer."""
    if call.args.get("trigger_id") is None and call.args.get("interactivity_pointer") is None:
        raise missing("trigger_id")
    return call.text("trigger_id") or call.text("interactivity_pointer")


def _updated(call: Call, view: View) -> Json:
    try:
        return {"view": call.views.update(view, call.data("view"), expected_hash=call.text("hash")).as_dict()}
    except ViewError as error:
        raise _refused(error) from None


def _refused(error: ViewError) -> ApiError:
    extra = {"response_metadata": {"messages": error.messages}} if error.messages else {}
    return ApiError(error.error, **extra)
