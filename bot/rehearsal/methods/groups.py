"""usergroups.*: user groups and who is in them."""

from __future__ import annotations

from bot.rehearsal.calls import ApiError, Call
from bot.rehearsal.state import Json, UserGroup


async def list_(call: Call) -> Json:
    """All groups; those that were disabled only when asked for."""
    users, disabled = call.flag("include_users"), call.flag("include_disabled")
    groups = [group for group in call.workspace.groups.values() if disabled or not group.disabled_at]
    return {"usergroups": [group.as_dict(users=users) for group in groups]}


async def users_list(call: Call) -> Json:
    return {"users": list(_group(call).users)}


async def create(call: Call) -> Json:
    name = call.need("name", "invalid_name")
    handle = call.text("handle") or name.lower().replace(" ", "-")
    _free(call, name, handle)
    group = UserGroup(call.workspace.mint("S"), handle, name, description=call.text("description"))
    call.workspace.groups[group.id] = group
    call.workspace.changed()
    return {"usergroup": group.as_dict(users=False)}


async def update(call: Call) -> Json:
    group = _group(call)
    name, handle = call.text("name") or group.name, call.text("handle") or group.handle
    _free(call, name, handle, besides=group)
    group.name, group.handle = name, handle
    group.description = call.text("description", group.description)
    call.workspace.changed()
    return {"usergroup": group.as_dict(users=False)}


async def users_update(call: Call) -> Json:
    """Set who is in a group: at least one, all of them with accounts."""
    group, users = _group(call), list(dict.fromkeys(call.ids("users")))
    if not users:
        raise ApiError("no_users_provided")
    if any(user not in call.workspace.members for user in users):
        raise ApiError("invalid_users")
    group.users = users
    call.workspace.changed()
    return {"usergroup": group.as_dict(users=True)}


async def disable(call: Call) -> Json:
    group = _group(call)
    group.disabled_at = int(call.workspace.now().timestamp())
    call.workspace.changed()
    return {"usergroup": group.as_dict(users=False)}


async def enable(call: Call) -> Json:
    group = _group(call)
    group.disabled_at = 0
    call.workspace.changed()
    return {"usergroup": group.as_dict(users=False)}


def _group(call: Call) -> UserGroup:
    group = call.workspace.groups.get(call.need("usergroup", "no_such_subteam"))
    if group is None:
        raise ApiError("no_such_subteam")
    return group


def _free(call: Call, name: str, handle: str, besides: UserGroup | None = None) -> None:
    for group in call.workspace.groups.values():
        if group is not besides and group.name == name:
            raise ApiError("name_already_exists")
        if group is not besides and group.handle == handle:
            raise ApiError("handle_already_exists")
