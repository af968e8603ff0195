"""auth, users, user groups, team and bots: who is who."""

from __future__ import annotations

from bot.rehearsal.calls import ApiError, Call
from bot.rehearsal.state import APP_ID, BOT_ID, BOT_USER, TEAM_DOMAIN, TEAM_ID, Json


async def auth_test(call: Call) -> Json:
    return {
        "url": f"{call.origin}/",
        "team": "Workshop rehearsal",
        "user": call.workspace.members[BOT_USER].name,
        "team_id": TEAM_ID,
        "user_id": BOT_USER,
        "bot_id": BOT_ID,
        "app_id": APP_ID,
        "is_enterprise_install": False,
    }


async def api_test(call: Call) -> Json:
    if call.text("error"):
        raise ApiError(call.text("error"), args=_public(call))
    return {"args": _public(call)}


async def users_info(call: Call) -> Json:
    return {"user": call.user().as_dict(call.workspace.now(), locale=call.flag("include_locale"))}


async def users_list(call: Call) -> Json:
    now, locale = call.workspace.now(), call.flag("include_locale")
    chosen, cursor = call.page(list(call.workspace.members.values()), default=1000)
    return {
        "members": [member.as_dict(now, locale=locale) for member in chosen],
        "cache_ts": int(now.timestamp()),
        "response_metadata": {"next_cursor": cursor},
    }


async def users_profile_get(call: Call) -> Json:
    member = call.user() if call.text("user") else call.workspace.members[BOT_USER]
    return {"profile": member.as_dict(call.workspace.now())["profile"]}


async def users_lookup_by_email(call: Call) -> Json:
    handle, _, host = call.need("email").partition("@")
    member = call.workspace.member(handle)
    if member is None or host != "example.org":
        raise ApiError("users_not_found")
    return {"user": member.as_dict(call.workspace.now())}


async def users_get_presence(call: Call) -> Json:
    call.user()
    return {"presence": "active"}


async def usergroups_list(call: Call) -> Json:
    users = call.flag("include_users")
    return {"usergroups": [group.as_dict(users=users) for group in call.workspace.groups.values()]}


async def usergroups_users_list(call: Call) -> Json:
    group = call.workspace.groups.get(call.need("usergroup", "no_such_subteam"))
    if group is None:
        raise ApiError("no_such_subteam")
    return {"users": list(group.users)}


async def team_info(call: Call) -> Json:
    team = {
        "id": TEAM_ID,
        "name": "Workshop rehearsal",
        "domain": TEAM_DOMAIN,
        "email_domain": "",
        "icon": {},
    }
    return {"team": team}


async def bots_info(call: Call) -> Json:
    wanted = call.text("bot") or BOT_ID
    member = next((m for m in call.workspace.members.values() if m.bot_id == wanted), None)
    if member is None:
        raise ApiError("bot_not_found")
    return {
        "bot": {
            "id": wanted,
            "deleted": False,
            "name": member.real_name,
            "updated": 1_700_000_000,
            "app_id": APP_ID if wanted == BOT_ID else "A0OTHER",
            "user_id": member.id,
            "icons": {},
        }
    }


def _public(call: Call) -> Json:
    return {key: value for key, value in call.args.items() if key != "token"}
