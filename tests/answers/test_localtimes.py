"""Clock times of places and zones, with ambiguity said aloud."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.answers.localtimes import Places, readings
from tests.answers.conftest import BEFORE, DURING

START = datetime(2025, 11, 25, 13, tzinfo=UTC)


@pytest.fixture(scope="module")
def places():
    return Places("en")


def clocks(place):
    return [f"{reading.starts:%H:%M}" for reading in readings(place, START, START + timedelta(minutes=90))]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("tokyo", "22:00"), ("india", "18:30"), ("nepal", "18:45"), ("kenya", "16:00"), ("geneva", "14:00"),
        ("texas", "07:00"), ("nyc", "08:00"), ("california", "05:00"), ("sao paulo", "10:00"), ("brazil",
        "10:00"),
        ("new zealand", "02:00"), ("bengaluru", "18:30"), ("uk", "13:00"), ("newfoundland", "09:30"),
        ("frankfurt", "14:00"), ("lucerne", "14:00"), ("walvis bay", "15:00"), ("gujarat", "18:30"),
        ("chiang mai", "20:00"), ("inggris", "13:00"),
        ("siem reap", "20:00"), ("us virgin islands", "09:00"), ("minas gerais", "10:00"), ("sabah", "21:00"),
    ],
)  # fmt: skip
def test_a_place_has_its_clock(places, name, first):
    assert clocks(places.place(name))[0] == first


def test_a_country_of_several_zones_gives_each_once(places):
    times = clocks(places.place("usa"))
    assert times[:4] == ["08:00", "07:00", "06:00", "05:00"]
    assert len(times) == len(set(times))


def test_letters_and_names_that_mean_several_things_give_all_of_them(places):
    assert clocks(places.zone("cst")) == ["07:00", "21:00", "08:00"]
    assert clocks(places.zone("ist"))[:2] == ["18:30", "15:00"]
    assert clocks(places.place("georgia")) == ["17:00", "08:00"]
    assert len(clocks(places.place("cambridge"))) == 2


def test_summer_letters_in_winter_are_told_apart(places):
    edt = readings(places.zone("edt"), START, START)[0]
    assert f"{edt.starts:%H:%M}" == "09:00"
    assert edt.out_of_season == "America/New_York"
    assert readings(places.zone("et"), START, START)[0].out_of_season is None


@pytest.mark.parametrize(("text", "first"), [("utc+5:30", "18:30"), ("gmt-3", "10:00"), ("+0545", "18:45")])
def test_offsets(places, text, first):
    assert clocks(places.offset(text)) == [first]


def test_an_impossible_offset_is_none(places):
    assert places.offset("utc+99") is None


@pytest.mark.parametrize(
    ("word", "name"),
    [("tokio", "tokyo"), ("nairoby", "nairobi"), ("melborne", "melbourne"), ("singapor", "singapore")],
)
def test_a_misspelt_place_is_mended(places, word, name):
    assert places.closest(word) == name
    assert places.closest("xyzzyq") is None


def test_the_other_day_is_said(ask):
    text = ask("what time in Sydney").text
    assert "00:00–01:30" in text
    assert "Wednesday 26 November 2025" in text


def test_ambiguity_is_said_aloud(ask):
    text = ask("what time is it in CST?").text
    assert [clock in text for clock in ("07:00", "21:00", "08:00")] == [True] * 3
    assert "More than one time zone" in text


def test_the_askers_own_zone_is_told_unasked(ask):
    assert "18:30–20:00" in ask("When is the workshop?", tz=ZoneInfo("Asia/Kolkata")).text
    assert "For you" not in ask("When is the workshop?", tz=ZoneInfo("Europe/Paris")).text
    assert "18:30" in ask("what time is that for me", tz=ZoneInfo("Asia/Kolkata")).text
    assert "I do not know your time zone" in ask("what time is that for me").text


def test_where_the_asker_is_goes_before_the_zone_of_their_profile(ask):
    text = ask("i just woke up in Chicago, is it on?", tz=ZoneInfo("America/New_York")).text
    assert "Chicago (CST): *07:00–08:30*" in text
    assert "New York" not in text


def test_the_hours_are_given_once(ask):
    text = ask("When is it, and what time is that in Tokyo?").text
    assert (text.count("14:00–15:30 CET"), text.count("22:00–23:30")) == (1, 1)
    assert "90 minutes" in text


def test_several_places_in_one_message(ask):
    text = ask("I am in Tokyo but my manager is in Bogotá, what time for each of us?", at=BEFORE).text
    assert "22:00" in text
    assert "08:00" in text


@pytest.mark.parametrize("text", ["where is Turkey's exhibit", "I may attend", "is it nice", "EAT lunch?"])
def test_words_are_not_taken_for_places(ask, text):
    assert "UTC" not in ask(text).text


@pytest.mark.parametrize("text", ["What does CET mean?", "what is CET", "What does CET stand for?"])
def test_what_the_letters_of_a_zone_mean_is_the_time_there(ask, text):
    answer = ask(text)
    assert (answer.status, answer.topics) == ("answered", ("local-time",))
    assert "CET (UTC+1): *14:00–15:30*" in answer.text


@pytest.mark.parametrize(
    ("place", "starts"),
    [
        ("Birmingham, Alabama", ["07:00"]),
        ("Paris, Texas", ["07:00"]),
        ("London, Ontario", ["08:00"]),
        ("Vancouver, Washington", ["05:00"]),
        ("Athens, Georgia", ["08:00"]),
        ("Atlanta, Georgia", ["08:00"]),
        ("Tbilisi, Georgia", ["17:00"]),
        ("Lima, Peru", ["08:00"]),
        ("Paris, London", ["14:00", "13:00"]),  # two cities
        ("Birmingham", ["13:00", "07:00"]),
        ("Washington", ["08:00", "05:00"]),
        ("Victoria", ["05:00", "00:00", "17:00"]),
        ("St. John's", ["09:30"]),
        ("Constantinople", ["16:00"]),
        ("Kosovo", ["14:00"]),
    ],
)
def test_a_place_is_told_by_what_is_named_behind_it(ask, place, starts):
    answer = ask(f"What time does it start in {place}?")
    assert re.findall(r"\*(\d\d:\d\d)–\d\d:\d\d\*", answer.text) == starts


def test_all_zones_of_the_largest_country_are_listed(ask):
    assert len(re.findall(r"• Russia", ask("Time in Russia?").text)) == 11


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("What time for Peruvians?", "Peru"),
        ("Um wie viel Uhr in Wien?", "Wien"),
        ("¿A qué hora en Ciudad de México?", "City of Mexico"),
    ],
)
def test_people_and_other_languages_name_places_too(ask, text, told):
    assert f"• {told} (" in ask(text).text


def test_another_day_may_be_the_right_one_where_it_is_asked_from(ask):
    assert ask("Is the workshop on Wednesday in Sydney?").text.startswith("*Yes.*")
    assert ask("Is the workshop on Wednesday in Berlin?").text.startswith("*No.*")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("c koi l'heure du début à Port-au-Prince svp", "• Port-au-Prince (EST): *08:00"),
        ("En República Dominicana ¿a qué hora empieza?", "• Dominican Republic (AST): *09:00"),
        ("Um wie viel Uhr ist das in Elfenbeinküste?", "*13:00"),
        ("what time is that in Port Vila", "*00:00"),
        ("a las 14h de Ginebra qué hora es en Bogotá?", "• Ginebra (CET)"),
    ],
)
def test_places_are_known_by_their_names_in_other_languages(ask, text, told):
    assert told in ask(text).text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("wie spät ist das dann bei unseren Kollegen in Singapur?", "Singapore"),
        ("et pour Madagascar ?", "Madagascar"),
        ("em Nova Iorque que horas são", "Nova Iorque"),
        ("jam berapa waktu Papua?", "Papua"),
    ],
)
def test_a_small_word_of_another_language_is_no_zone(ask, text, told):
    answer = ask(text)
    assert answer.text.count("•") == 1
    assert f"• {told} (" in answer.text


@pytest.mark.parametrize("text", ["what time ist?", "so 6.30 pm ist?", "starts 9am est?"])
def test_small_letters_may_mean_a_zone(ask, text):
    assert "IST" in ask(text).text or "EST" in ask(text).text


def test_the_workshops_own_zone_is_not_told_twice(ask):
    assert "•" not in ask("its at 2pm CET yes?").text


def test_while_it_is_on_its_end_is_told_in_a_place_too(ask):
    assert "ends in 50 minutes" in ask("how many minutes left, i'm in Nairobi", at=DURING).text
