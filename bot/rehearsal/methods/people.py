"""auth, users, team and bots: who is who."""

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
    return {"user": call.shown(call.user(), locale=call.flag("include_locale"))}


async def users_list(call: Call) -> Json:
    now, locale = call.workspace.now(), call.flag("include_locale")
    everyone = list(call.workspace.members.values())
    chosen, cursor = call.page(everyone, "user", lambda member: member.id, default=1000, lenient=True)
    return {
        "members": [call.shown(member, locale=locale) for member in chosen],
        "cache_ts": int(now.timestamp()),
        "response_metadata": {"next_cursor": cursor},
    }


async def users_profile_get(call: Call) -> Json:
    member = call.user() if call.text("user") else call.workspace.members[BOT_USER]
    return {"profile": call.shown(member)["profile"]}


async def users_lookup_by_email(call: Call) -> Json:
    wanted = call.need("email", "users_not_found").lower()
    member = next((m for m in call.workspace.members.values() if m.email == wanted), None)
    if member is None or member.deleted:
        raise ApiError("users_not_found")
    return {"user": call.shown(member)}


async def users_get_presence(call: Call) -> Json:
    if call.text("user"):
        call.user()
    now = int(call.workspace.now().timestamp())
    seen = {"online": True, "auto_away": False, "manual_away": False, "connection_count": 1}
    return {"presence": "active", **seen, "last_activity": now}


async def users_set_presence(call: Call) -> Json:
    if call.text("presence") not in ("auto", "away"):
        raise ApiError("invalid_presence")
    return {}


async def dnd_info(call: Call) -> Json:
    """Nobody here has switched notifications off."""
    if call.text("user"):
        call.user()
    return {"dnd_enabled": False, "next_dnd_start_ts": 1, "next_dnd_end_ts": 1, "snooze_enabled": False}


async def emoji_list(call: Call) -> Json:
    """The workspace's own emoji: none."""
    return {"emoji": {}, "cache_ts": str(int(call.workspace.now().timestamp()))}


async def auth_revoke(call: Call) -> Json:
    """Only a try-out is possible: the token lives as long as the workspace."""
    return {"revoked": False}


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
            "icons": {f"image_{size}": f"{call.origin}/avatars/{member.id}.png" for size in (36, 48, 72)},
        }
    }


def _public(call: Call) -> Json:
    return {key: value for key, value in call.args.items() if key != "token"}
