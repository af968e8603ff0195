"""The people and channels a new local workspace starts with, made from the configuration.

Names say a role and a place and nothing else: nobody here stands for a real person.
"""

from __future__ import annotations

import re
from typing import Any

from bot.config import Config
from bot.rehearsal.state import BOT_ID, BOT_USER, SLACKBOT, Channel, Member, UserGroup

PEOPLE = (
    # id, role, place, zone, locale
    ("U0PART0TOKYO", "participant", "Tokyo", "Asia/Tokyo", "ja-JP"),
    ("U0PART0NAIROBI", "participant", "Nairobi", "Africa/Nairobi", "en-GB"),
    ("U0PART0SAOPAULO", "participant", "São Paulo", "America/Sao_Paulo", "pt-BR"),
    ("U0PART0NEWYORK", "participant", "New York", "America/New_York", "en-US"),
    ("U0PART0DELHI", "participant", "Delhi", "Asia/Kolkata", "en-IN"),
    ("U0PART0PARIS", "participant", "Paris", "Europe/Paris", "fr-FR"),
    ("U0PART0AUCKLAND", "participant", "Auckland", "Pacific/Auckland", "en-NZ"),
    ("U0MOD0GENEVA", "moderator", "Geneva", "Europe/Zurich", "en-GB"),
    ("U0MOD0SINGAPORE", "moderator", "Singapore", "Asia/Singapore", "en-US"),
    ("U0ORG0GENEVA", "organiser", "Geneva", "Europe/Zurich", "fr-FR"),
    ("U0ORG0DAKAR", "organiser", "Dakar", "Africa/Dakar", "fr-FR"),
)
GUEST = "U0GUEST0LIMA"
GONE = "U0GONE0OSLO"
OTHER_BOT = "U0OTHERBOT"


def members(bot_name: str) -> list[Member]:
    """Everybody with an account, the bot and another bot included."""
    seeded = [
        Member(
            id=id_,
            name=f"{role}-{handle(place)}",
            real_name=f"{role.capitalize()} in {place}",
            tz=tz,
            locale=locale,
            role=role,
            admin=role == "organiser",
        )
        for id_, role, place, tz, locale in PEOPLE
    ]
    return [
        *seeded,
        Member(GUEST, "guest-lima", "Guest in Lima", "America/Lima", "es-ES", "guest", restricted=True),
        Member(
            GONE, "deactivated-oslo", "Deactivated account", "Europe/Oslo", role="participant", deleted=True
        ),
        Member(BOT_USER, handle(bot_name), bot_name, "America/Los_Angeles", role="bot", bot_id=BOT_ID),
        Member(OTHER_BOT, "other-bot", "Another bot", "America/Los_Angeles", role="bot", bot_id="B0OTHERBOT"),
        Member(SLACKBOT, "slackbot", "Slackbot", "America/Los_Angeles", role="slackbot"),
    ]


def crowd(number: int) -> list[Member]:
    """Further participants for a scenario, in all the zones of the seeded ones."""
    places = [entry for entry in PEOPLE if entry[1] == "participant"]
    return [
        Member(
            f"U0CROWD{index:04}",
            f"crowd-{index}",
            f"Participant {index} of the crowd",
            tz=places[index % len(places)][3],
            locale=places[index % len(places)][4],
            role="crowd",
        )
        for index in range(1, number + 1)
    ]


def people_of(config: Config, accounts: list[Member]) -> list[Member]:
    """Accounts for user ids that `roles` names and that are not seeded."""
    known = {member.id for member in accounts}
    found = []
    for role, entries in (("organiser", config.roles.organisers), ("moderator", config.roles.moderators)):
        for entry in entries:
            if entry[0] in "UW" and entry not in known:
                known.add(entry)
                name = f"{role}-{entry.lower()}"
                found.append(
                    Member(entry, name, f"{role.capitalize()} {entry}", config.workshop.zone, role=role)
                )
    return found


def channels(config: Config, accounts: list[Member]) -> list[Channel]:
    """The workshop's channels with their members, and two that the bot is not in."""
    people = [
        member
        for member in accounts
        if member.bot_id is None and not member.deleted and member.id != SLACKBOT
    ]
    by_role: dict[str, list[str]] = {"moderator": [], "organiser": []}
    for member in people:
        by_role.setdefault(member.role, []).append(member.id)
    made: dict[str, Channel] = {}

    def make(reference: str, name: str, **fields: Any) -> None:
        if reference not in made:
            id_ = reference if reference[0] in "CG" else "C0" + name.upper()
            made[reference] = Channel(
                id=id_, name=reference.removeprefix("#") if id_ != reference else name, **fields
            )

    everyone = [BOT_USER, *(member.id for member in people)]
    make(config.channels.participants, "participants", kind="channel", members=everyone)
    make(config.channels.moderators, "moderators", kind="group", members=[BOT_USER])
    make(config.channels.organisers, "organisers", kind="group", members=[BOT_USER])
    for role, entries in (("moderator", config.roles.moderators), ("organiser", config.roles.organisers)):
        for index, entry in enumerate(entries):
            if entry[0] in "#CG":
                make(entry, f"{role}{index}", kind="group", members=[BOT_USER])
    for reference, role in (
        (config.channels.moderators, "moderator"),
        (config.channels.organisers, "organiser"),
    ):
        _admit(made[reference], by_role[role])
    for role, entries in (("moderator", config.roles.moderators), ("organiser", config.roles.organisers)):
        for entry in entries:
            if entry in made:
                _admit(made[entry], by_role[role])
    names = {channel.name for channel in made.values()}
    extra = [
        Channel("C0LOBBY", "lobby", "channel", [member.id for member in people]),
        Channel("C0SIDEROOM", "side-room", "group", by_role["organiser"][:]),
    ]
    return [*made.values(), *(channel for channel in extra if channel.name not in names)]


def groups(config: Config, accounts: list[Member]) -> list[UserGroup]:
    """The user groups that `roles` names, filled with the seeded people of that role."""
    made: dict[str, UserGroup] = {}
    for role, entries in (("moderator", config.roles.moderators), ("organiser", config.roles.organisers)):
        for entry in entries:
            if entry[0] == "S":
                group = made.setdefault(entry, UserGroup(entry, f"{role}s", f"{role.capitalize()}s"))
                group.users += [m.id for m in accounts if m.role == role and m.id not in group.users]
    return list(made.values())


def handle(name: str) -> str:
    """A name as a handle: lower case, words joined by hyphens."""
    plain = name.lower().translate(str.maketrans("ãáàâäéèêëíîïóôõöúûüçñ", "aaaaaeeeeiiioooouuucn"))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "bot"


def _admit(channel: Channel, people: list[str]) -> None:
    channel.members += [person for person in people if person not in channel.members]
