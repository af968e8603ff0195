"""The Yes or No that an answer begins with: never wrong, and none where it could be taken wrongly."""

from zoneinfo import ZoneInfo

import pytest

from tests.answers.conftest import AFTER, BEFORE, DURING


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("Are telecom operators excluded", "*No.*"),
        ("Are individuals not allowed?", None),
        ("So private persons can't come?", None),
        ("my country isnt in the itu, can i come", None),
        ("can i attend if i'm only available on the 26th", None),
        ("So I needn't register, correct?", "*No.*"),
        ("Nothing to pay, right?", "*Yes.*"),
        ("Is L.1470 on your list of standards?", "*No.*"),
        ("Will L.1470 be covered?", None),  # the letter says "including"
        ("I won't be charged, will I?", None),
        ("It's not on the 24th, is it?", None),
        ("it's at most two hours, yes?", "*Yes.*"),
        ("Is it no longer than two hours?", "*Yes.*"),
        ("Is it at least an hour long", "*Yes.*"),
        ("Is attendance mandatory?", None),
        ("Would it be still the 25th in Sydney when it starts?", None),
        ("Will it be already the 26th for me in Wellington?", "*Yes.*"),
        ("Is it on Wednesday in Auckland?", "*Yes.*"),
        ("Is it Tuesday in Auckland when it starts?", None),
        ("I am in Nairobi, is that 4 pm for me?", "*Yes.*"),
        ("is it sooner than 10 am in São Paulo", "*No.*"),
        ("Is Dubai three hours ahead of the start time?", None),
        ("If I join 30 mins late at 14:30 CET do I still get an hour?", None),
        ("Will Study Group 17 present anything?", None),
        ("is COP30 part of the same event", None),
        ("Did the workshop begin an hour ago?", None),
        ("Would that be after midnight in Beijing?", None),
        ("Is CET the same as GMT?", None),
        ("if i dial in at 3pm CET am i late", None),
        ("Is L.1450 the methodology for lifecycle of goods?", None),
        ("is it true that the workshop launches L.1472?", None),
        ("Is L.1410 presented?", "*Yes.*"),
        ("Does it finish at 15:30 or 16:30 CET", None),
        ("Is it on a Tuesday, does it last two hours?", None),
        ("for Mumbai its 5:30 pm no?", "*No.*"),
        ("c'est bien le 25 novembre à 14h ?", "*Yes.*"),
        ("does it last 2h?", "*No.*"),
        ("does it end at 3 30 CET?", "*Yes.*"),
        ("it finishes at 3 30 pm right?", "*Yes.*"),
        ("does it start at 2 30?", "*No.*"),
        ("My country is not an ITU member state. Can I attend?", None),
        ("is it open to non-member states too?", None),
        ("Can I join late, say at 14:45?", None),
        ("Is registration still possible on the day itself?", None),
        ("do I have to register again if I registered last week?", None),
        ("will it be no more than 2h", "*Yes.*"),
        ("is it 1h30 long?", "*Yes.*"),
        ("Does it start at 2h?", "*No.*"),
    ],
)
def test_a_lead_is_given_only_where_nobody_could_take_it_wrongly(ask, text, lead):
    answer = ask(text)
    assert answer.status == "answered"
    assert answer.text.startswith(lead) if lead else not answer.text.startswith(("*Yes.*", "*No.*"))


def test_what_was_announced_is_not_told_as_having_happened(ask):
    assert ask("Will the white paper be launched?").text.startswith("*Yes.*")
    assert not ask("Was the white paper launched?", at=AFTER).text.startswith("*Yes.*")
    assert not ask("Can students still join?", at=AFTER).text.startswith("*Yes.*")


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("tuesday or wednesday?", None),
        ("Is it on the 25th or on the 26th?", None),
        ("Is it virtual or in person?", None),
        ("Is registration mandatory or optional?", None),
        ("Is it open to everyone or only to members?", None),
        ("is it cancelled or postponed?", None),
        ("is it Monday or not?", "*No.*"),
        ("is it tuesday or not", "*Yes.*"),
        ("Is it cancelled or not?", "*No.*"),
        ("may students or journalists attend?", "*Yes.*"),
    ],
)
def test_which_of_two_it_is_is_answered_with_neither_yes_nor_no(ask, text, lead):
    """ "Or not" leaves one of them; of people who may come, whichever is named may."""
    answer = ask(text)
    assert answer.status == "answered"
    assert answer.text.startswith(lead) if lead else not answer.text.startswith(("*Yes.*", "*No.*"))


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("Is it less than two hours?", "*Yes.*"),
        ("Is the workshop longer than two hours?", "*No.*"),
        ("Does it finish before 4pm CET?", "*Yes.*"),
        ("Does it finish before 3pm CET?", "*No.*"),
        ("does it go past 3pm", "*Yes.*"),
        ("Does it start before noon?", "*No.*"),
    ],
)
def test_what_compares_lengths_and_hours_is_worked_out(ask, text, lead):
    assert ask(text).text.startswith(lead)


@pytest.mark.parametrize(
    ("text", "tz", "lead"),
    [
        ("So 3 pm my time?", "Africa/Johannesburg", "*Yes.*"),
        ("So 2 pm my time?", "Africa/Johannesburg", "*No.*"),
        ("So it starts at 2 pm my time, right?", "Asia/Kolkata", "*No.*"),
        ("6:30 pm my time, correct?", "Asia/Kolkata", "*Yes.*"),
        ("Is it on Wednesday for me?", "Pacific/Auckland", "*Yes.*"),
        ("Is it on the 26th for me?", "Pacific/Auckland", "*Yes.*"),
        ("Is it on the 25th my time?", "Australia/Sydney", None),  # the workshop's own day
        ("Is it in the afternoon here?", "Asia/Tokyo", "*No.*"),
        ("Is it at 2 pm?", "America/New_York", None),  # of CET it would be right
        ("Is it at 2 pm?", "Europe/Paris", "*Yes.*"),
        ("So 3 pm my time?", None, None),
    ],
)
def test_what_is_said_of_the_askers_time_is_held_against_the_askers_zone(ask, text, tz, lead):
    answer = ask(text, tz=ZoneInfo(tz) if tz else None)
    assert answer.status == "answered"
    assert answer.text.startswith(lead) if lead else not answer.text.startswith(("*Yes.*", "*No.*"))


@pytest.mark.parametrize(
    ("text", "at", "lead"),
    [
        ("Can I take part without paying?", BEFORE, "*Yes.*"),
        ("Can we join without being a member?", BEFORE, None),
        ("Is the ITU workshop on 25 November cancelled?", BEFORE, "*No.*"),
        ("was the 14:00 workshop cancelled", BEFORE, None),
        ("It's free and recorded, right?", BEFORE, None),
        ("There's no fee and no registration, correct?", BEFORE, None),
        ("Was it held in 2024 as well?", BEFORE, None),
        ("Is the letter dated 2025?", BEFORE, None),
        ("The workshop was last week, wasn't it?", BEFORE, "*No.*"),
        ("Will the speakers be paid?", BEFORE, None),
        ("can my assistant come in my place", BEFORE, None),
        ("apakah acara ini online atau offline?", BEFORE, None),
        ("Can I join without registering?", BEFORE, "*No.*"),
        ("Does the workshop cover GDA and 6G?", BEFORE, None),
        ("Is the letter signed by Mr Onoe and does the workshop cover 6G?", BEFORE, None),
        ("Is it true that it's 90 minutes long, starts at 3pm CET and is free?", BEFORE, None),
        ("Does it clash with a meeting from 15:00 to 16:00 CET?", BEFORE, None),
        ("It starts at 9:30 am in Xyzville, right?", BEFORE, None),  # wherever that is
        ("Is everybody in the world allowed?", BEFORE, None),
        ("Are people from non-member countries excluded?", BEFORE, None),
        ("Will the Chinese delegation attend?", BEFORE, None),
        ("Is it enough to register on the day?", BEFORE, None),
        ("My diary has a call at 8:30 Lima time. What time does it begin for me?", BEFORE, None),
        ("Is there less than an hour to go?", DURING, None),
        ("Isn't it finished by now?", DURING, "*No.*"),
        ("Can I still join if I haven't registered?", DURING, None),
        ("Do I still need to register?", AFTER, None),
        ("Was COP30 discussed?", AFTER, None),
        ("Was L.1410 shown?", AFTER, None),
        ("Did it start on time?", AFTER, None),
    ],
)
def test_nothing_is_confirmed_or_denied_that_nobody_has_told(ask, text, at, lead):
    answer = ask(text, at=at)
    assert answer.status == "answered"
    assert answer.text.startswith(lead) if lead else not answer.text.startswith(("*Yes.*", "*No.*"))
