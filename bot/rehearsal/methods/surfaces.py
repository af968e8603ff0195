"""views.*: modals and the Home tab."""

from __future__ import annotations

from bot.rehearsal.calls import ApiError, Call
from bot.rehearsal.state import Json, View
from bot.rehearsal.views import ViewError


async def open_(call: Call) -> Json:
    try:
        user = call.views.redeem(call.need("trigger_id"))
        return {"view": call.views.open(user, call.data("view")).as_dict()}
    except ViewError as error:
        raise _refused(error) from None


async def push(call: Call) -> Json:
    try:
        user = call.views.redeem(call.need("trigger_id"))
        return {"view": call.views.push(user, call.data("view")).as_dict()}
    except ViewError as error:
        raise _refused(error) from None


async def update(call: Call) -> Json:
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


def _updated(call: Call, view: View) -> Json:
    try:
        return {"view": call.views.update(view, call.data("view"), expected_hash=call.text("hash")).as_dict()}
    except ViewError as error:
        raise _refused(error) from None


def _refused(error: ViewError) -> ApiError:
    extra = {"response_metadata": {"messages": error.messages}} if error.messages else {}
    return ApiError(error.error, **extra)
