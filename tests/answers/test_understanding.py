"""What a person means, in whatever words, and when the bot must not claim to know."""

from datetime import UTC, datetime

import pytest

from bot.answers import Learned
from tests.answers.conftest import AFTER, DURING


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("date?", "25 November"),
        ("reg link", "C-00015986"),
        ("link pls", "C-00015986"),
        ("cost", "free of charge"),
        ("when is it on in tokyo", "22:00"),
        ("whn is teh worshop", "25 November"),
        ("how do i regsiter", "C-00015986"),
        ("My boss wants to know when the workshop is", "25 November"),
        ("I was told that it costs 200 dollars, is that right?", "free of charge"),
        ("Dear Sir or Madam, kindly indicate the date and hours of the abovementioned workshop.", "14:00"),
        ("hello team can I join from home", "virtual"),
        ("Can beekeepers attend?", "any individual"),
        ("quand a lieu l'atelier ?", "25 November"),
        ("es gratis?", "free of charge"),
        ("wo findet der Workshop statt?", "virtual"),
        ("Когда состоится семинар?", "25 November"),
        ("во сколько это по московскому времени?", "16:00"),
        ("كيف يمكنني التسجيل؟", "C-00015986"),
        ("هل الحضور مجاني؟", "free of charge"),
        ("研讨会什么时候开始？", "25 November"),
        ("研讨会在哪里举行？", "virtual"),
        ("主催者は誰ですか", "International Telecommunication Union"),
        ("参加費はかかりますか", "free of charge"),
    ],
)
def test_fragments_slips_frames_and_other_languages_are_understood(ask, text, part):
    answer = ask(text)
    assert answer.status == "answered"
    assert part in answer.text


@pytest.mark.parametrize(
    "text",
    [
        "When is the gala dinner?",
        "Какая погода в Женеве?",
        "日内瓦天气怎么样",
        "هل هناك شهادة؟",
        "How much is the coffee?",
        "Where is the toilet?",
        "What is the date of the Paris Agreement?",
        "How do I register a domain?",
        "Who organises the hackathon on Friday?",
        "When does the culinary workshop start?",
        "What did COP30 decide?",
        "Is Resilio Swiss?",
        "What does L.1480 say?",
        "Will the minister be there?",
        "date and time of the gala dinner",
        "the other one, when is it?",
        "is the Python training free",
        "where is SG13 meeting",
        "who is the head of ITU",
        "how old is Seizo Onoe",
    ],
)
def test_a_word_that_could_change_the_answer_is_not_passed_over(ask, text):
    assert ask(text).status != "answered"


@pytest.mark.parametrize(
    ("text", "lead", "part"),
    [
        ("Is it on 26 November?", "*No.*", "25 November"),
        ("Is it on 25 November?", "*Yes.*", "25 November"),
        ("Is it on Wednesday?", "*No.*", "Tuesday"),
        ("Does it start at 15:00 CET?", "*No.*", "14:00"),
        ("so it begins at 14:00 UTC?", "*No.*", "13:00–14:30 UTC"),
        ("Is it 8 am in New York?", "*Yes.*", "08:00"),
        ("Is it at 9 am New York time?", "*No.*", "08:00"),
        ("14:00 CET is 8am in New York, right?", "*Yes.*", "08:00"),
        ("14:00 CET is 9am in New York, right?", "*No.*", "08:00"),
        ("Does it last two hours?", "*No.*", "90 minutes"),
        ("Is it in December?", "*No.*", "November"),
        ("Is it next week?", "*Yes.*", "25 November"),
        ("Does it cost 50 euros?", "*No.*", "free of charge"),
        ("It is not free, right?", "*No.*", "free of charge"),
        ("isn't it free?", "*Yes.*", "free of charge"),
        ("Is it held in Geneva?", "*No.*", "virtual"),
        ("Is it hybrid?", "*No.*", "virtual"),
        ("Is it online?", "*Yes.*", "virtual"),
        ("Can I register by email?", "*No.*", "exclusively online"),
        ("Is registration mandatory?", "*Yes.*", "mandatory"),
        ("Can I attend without registering?", "*No.*", "mandatory"),
        ("Is it organised by UNESCO?", "*No.*", "International Telecommunication Union"),
        ("Is it organised by ITU?", "*Yes.*", "International Telecommunication Union"),
        ("Is L.1470 among the standards presented?", "*No.*", "not among"),
        ("Is it only for members?", "*No.*", "any individual"),
        ("Can a private person join?", "*Yes.*", "any individual"),
        ("Do I have to be an engineer?", "*No.*", "any individual"),
        ("Is an invitation needed?", "*No.*", "any individual"),
        ("Is it organised by ITU-D?", "*No.*", "International Telecommunication Union"),
        ("Has it been cancelled?", "*No.*", "25 November"),
    ],
)
def test_what_a_question_takes_for_granted_is_confirmed_or_corrected(ask, text, lead, part):
    answer = ask(text)
    assert answer.status == "answered"
    assert answer.text.startswith(lead)
    assert part in answer.text


@pytest.mark.parametrize(
    "text",
    [
        "kindly confirm (1) venue (2) fee (3) language of the meeting",
        "1) venue 2) fee 3) language",
        "a) the venue b) the fee c) the language",
    ],
)
def test_what_is_numbered_is_answered_one_by_one(ask, text):
    answer = ask(text)
    assert answer.status == "answered"
    for told in ("fully virtual", "free of charge", "language of the workshop"):
        assert told in answer.text


def test_hours_that_are_told_are_not_declined_besides(ask):
    answer = ask("I am in Peru, what time is it for me and is it free?")
    assert "08:00–09:30" in answer.text
    assert "free of charge" in answer.text
    assert answer.unanswered == ()


def test_a_sign_of_money_asks_the_price(ask):
    assert ask("€?").topics == ("cost",)
    assert ask("$$$").status == "unknown"


def test_what_is_launched_need_not_be_named(ask):
    assert ask("what is that document they launch").topics == ("subject:whitepaper",)


def test_a_tag_at_the_end_denies_nothing(ask):
    assert ask("It is in person isn't it?").text.startswith("*No.*")
    assert ask("It's on the 25th isn't it?").text.startswith("*Yes.*")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("Is the white paper about Germany?", "Switzerland"),
        ("Will Resilio present the paper?", "speakers have not been published"),
        ("Will ITU present the white paper?", "launch"),
        ("Is it organised by the UN?", "International Telecommunication Union"),
        ("Is it free for members only?", "free of charge"),
        ("Is it free only if I register early?", "free of charge"),
        ("15:30 CET in IST?", "18:30–20:00"),
        ("Is L.1410 about radio towers?", "L.1410"),
        ("Is the paper launched before the workshop?", "launch"),
        ("Are people from non-ITU countries allowed?", "any individual"),
        ("Do I have to register for each session?", "mandatory"),
        ("Is the workshop part of COP30?", "COP30"),
        ("Does the white paper cover Europe?", "Switzerland"),
        ("Is it launched by Resilio?", "launch"),
        ("Do I have to be nominated by my government?", "mandatory"),
        ("Do I have to register by Friday?", "egist"),
        ("does it last more than 90 minutes", "90 minutes"),
        ("is it after 20 November?", "25 November"),
        ("Is the white paper about the whole world?", "Switzerland"),
        ("Is the discussion about COP30 at the end?", "COP30"),
        ("Is the workshop organised by ITU and Resilio?", "International Telecommunication Union"),
        ("Is the letter signed by Onoe and Bogdan?", "Seizo Onoe"),
        ("Does the fee include lunch?", "free of charge"),
    ],
)
def test_what_the_letter_does_not_say_is_neither_confirmed_nor_denied(ask, text, part):
    answer = ask(text)
    assert part in answer.text
    assert not answer.text.startswith(("*Yes.*", "*No.*"))


def test_of_a_document_that_is_not_shown_only_that_is_known(ask):
    for text in ("What is L.1470 about?", "Tell me about ITU-T L.1480"):
        answer = ask(text)
        assert answer.status == "unknown"
        assert "is not among" in answer.text
    both = ask("Is L.1410 or L.1420 shown?").text
    assert both.startswith("L.1420 is not among")
    assert "*ITU-T L.1410*: Methodology for environmental lifecycle assessments" in both


def test_yes_and_no_follow_the_clock(ask):
    assert ask("Is it today?", at=datetime(2025, 11, 25, 8, tzinfo=UTC)).text.startswith("*Yes.*")
    assert ask("Has it started?", at=DURING).text.startswith("*Yes.*")
    assert ask("Is it over?", at=DURING).text.startswith("*No.*")
    assert ask("Is it over?", at=AFTER).text.startswith("*Yes.*")
    assert ask("Is it still on?", at=AFTER).text.startswith("*No.*")


def test_each_part_of_a_message_is_answered_or_declined(ask):
    answer = ask("When is it, who is speaking and how do I register?")
    assert answer.status == "answered"
    assert answer.topics == ("when", "speakers", "registration")
    assert answer.unanswered == ("who is speaking",)
    lists = ask("date, cost and registration link please")
    assert [part in lists.text for part in ("25 November", "free of charge", "C-00015986")] == [True] * 3
    later = ask("will I get the slides afterwards and is there interpretation into Arabic?")
    assert later.topics == ("slides", "languages")
    assert later.unanswered == ("will I get the slides afterwards", "is there interpretation into Arabic")
    polite = ask("Good morning dear organizers, I hope you are well. At which hour does it begin in Dakar?")
    assert polite.topics == ("local-time",)
    mixed = ask("Is it free? And where is the swimming pool?")
    assert mixed.status == "answered"
    assert "swimming pool" in mixed.unanswered[0]


def test_what_only_tells_about_the_asker_asks_nothing(ask):
    answer = ask(
        "I am a PhD student from Peru and I am writing about e-waste. What time does it start in Lima?"
    )
    assert answer.topics == ("local-time",)
    assert "08:00" in answer.text
    assert answer.unanswered == ()
    assert "13:00" in ask("I live in Accra. When does it start?").text


@pytest.mark.parametrize(
    "text", ["hi", "Hello there!", "thanks a lot", "bye", "are you a bot?", "what can you do?", "ok"]
)
def test_small_talk_gets_a_short_reply_and_no_facts(ask, text):
    answer = ask(text)
    assert answer.status == "small_talk"
    assert len(answer.text) < 400
    assert "25 November" not in answer.text
    assert "Source" not in answer.text


@pytest.mark.parametrize(
    ("text", "put"),
    [
        (
            "Question for the panel: how can small operators measure it?",
            "how can small operators measure it?",
        ),
        ("Q for the speakers - why Switzerland?", "why Switzerland?"),
        ("For the Q&A: what about e-waste?", "what about e-waste?"),
        ("Question to Resilio: which data did you use?", "which data did you use?"),
        ("How should regulators encourage operators to report emissions?", None),
        ("Do you think net zero is realistic for the ICT sector?", None),
        ("Should streaming be taxed for its emissions?", None),
    ],
)
def test_questions_for_the_panel_are_offered_to_it_and_not_answered(ask, text, put):
    answer = ask(text)
    assert answer.status == "panel_question"
    assert answer.panel_text == (put or text)
    assert "Source" not in answer.text


@pytest.mark.parametrize(
    ("text", "status", "topics"),
    [
        ("Hola, ¿se hace presencialmente en Ginebra o lo puedo ver desde mi casa?", "answered", {"venue"}),
        ("daftar lewat mana ya kak?", "answered", {"registration"}),
        ("Fa'afetai lava, manuia le aso", "unknown", set()),  # in no language that has been read
    ],
)
def test_what_is_in_another_language_is_not_mended_into_this_one(ask, text, status, topics):
    answer = ask(text)
    assert (answer.status, set(answer.topics)) == (status, topics)


def test_a_letter_for_a_visa_is_needed_by_nobody(ask):
    answer = ask("Does the secretariat issue letters for the visa?")
    assert answer.topics == ("venue",)
    assert not answer.text.startswith(("*Yes.*", "*No.*"))


def test_close_readings_are_offered_as_buttons(ask, answers, programme):
    answer = ask("difference between L.1410 and L.1450")
    assert answer.status == "unknown"
    assert [choice.topic for choice in answer.choices] == ["standards"]
    chosen = answers.answer_topic("standards", at=AFTER, programme=programme)
    assert chosen.status == "answered"


def test_what_an_organiser_answered_before_is_answered_again(ask):
    learned = [
        Learned(
            7,
            ("Is there a dress code?", "what should I wear"),
            "Dress as you like.",
            "an organiser, 24 November 2025",
        ),
    ]
    answer = ask("is there a dress code", learned=learned)
    assert answer.status == "answered"
    assert answer.topics == ("learned:7",)
    assert "Dress as you like." in answer.text
    assert "_Source: an organiser, 24 November 2025_" in answer.text
    assert ask("dress codes?", learned=learned).status == "answered"
    assert ask("is there a dinner", learned=learned).status == "unknown"


def test_an_organisers_words_are_no_markup(ask):
    learned = [
        Learned(1, ("is there a dress code",), "Wear <https://evil.example|this> & <!channel>", "Ama <@U1>")
    ]
    text = ask("is there a dress code?", learned=learned).text
    assert "<" not in text
    assert "&lt;!channel&gt;" in text


def test_a_language_without_files_is_declined_politely(ask):
    answer = ask("мы хотим узнать про обед и гостиницу")
    assert answer.status == "unknown"
    assert "English" in answer.text


@pytest.mark.parametrize(
    "text", ["When was COP30 held, and in which city?", "When is the next COP and in which country?"]
)
def test_what_is_asked_of_another_thing_is_not_answered_about_the_workshop(ask, text):
    answer = ask(text)
    assert answer.status == "unknown"
    assert "virtual" not in answer.text


def test_a_wording_of_one_place_asks_for_the_hours_there(ask):
    assert "07:00" in ask("Mexico city hora?").text


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        (
            "Good morning, I am writing on behalf of the Ministry of Communications of Zambia. We "
            "received your circular letter last week and our Permanent Secretary has asked our "
            "department to nominate two officers. Before we do so we would kindly like to know whether "
            "there is any participation fee that the Ministry must cover, as our budget for this year "
            "is closed. Thank you very much for your kind assistance and best regards from Lusaka.",
            ("cost",),
        ),
        (
            "Dear organisers, I hope you are well. I have read in your letter about the registration "
            "and the event page, which is all very clear to me. On that day I sit on a plane to Geneva "
            "without internet for most of the afternoon, alas. Will there be a recording that I could "
            "watch in the evening? Kind regards from Nairobi",
            ("recording",),
        ),
    ],
)
def test_of_a_long_message_what_is_asked_is_answered_and_what_is_told_is_not(ask, text, topics):
    assert ask(text).topics == topics


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("When and where", {"when", "venue"}),
        ("What part is this, and will I be able to rewatch the beginning?", {"now-next", "recording"}),
        ("Will the presentations be handed out after, and is anything to be paid?", {"slides", "cost"}),
        (
            "Could you let me know when the session finishes, and whether its presentations are "
            "distributed, since I must report to my board?",
            {"when", "slides"},
        ),
        ("Who speaks, and where will that be listed?", {"speakers", "page"}),
        ("is it finished and can I have the slides", {"status", "slides"}),
        ("So no fee but registering is a must, correct?", {"cost", "registration"}),
    ],
)
def test_two_questions_are_both_answered_whether_words_or_wording_tell_them(ask, text, topics):
    assert set(ask(text).topics) == topics


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("I keep reading GDA, is that short for something?", "Green Digital Action"),
        ("I don't know the acronym ICTs", "information and communication technology"),
        ("no idea what CET is short for, sorry", "Central European"),
    ],
)
def test_a_short_form_named_anywhere_in_the_message_is_explained(ask, text, full):
    answer = ask(text)
    assert answer.status == "answered"
    assert full in answer.text


def test_a_short_form_that_the_letter_does_not_explain_is_not(ask):
    assert ask("what do they mean with SDO").status == "unknown"


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("Gibt es eine Webseite mit allen Informationen?", ("page",)),
        ("14h CET ça fait quelle heure à Dakar ?", ("local-time",)),
        ("Muss ich mich vorher anmelden oder kann ich einfach dazukommen?", ("registration",)),
        ("Apakah acaranya gratis atau berbayar?", ("cost",)),
        ("Wird die Veranstaltung aufgezeichnet?", ("recording",)),
        ("متى تنعقد ورشة العمل؟", ("when",)),
        ("怎么报名参加？", ("registration",)),
    ],
)
def test_a_question_in_another_language_is_read_by_its_wording(ask, text, topics):
    assert ask(text).topics == topics


@pytest.mark.parametrize(
    "text",
    [
        "워크숍은 언제 시작하나요?",
        "कार्यशाला कब है?",
        "πότε είναι το εργαστήριο;",
        "asdf qwer zxcv",
        "lorem ipsum dolor sit",
    ],
)
def test_what_cannot_be_read_is_declined(ask, text):
    assert ask(text).status == "unknown"


@pytest.mark.parametrize(
    "text", ["Great that it's free, our budget is a joke this year", "long story short, I join from home"]
)
def test_a_word_that_orders_use_too_does_not_make_an_order_of_a_remark(ask, text):
    assert ask(text).status == "small_talk"


def test_who_only_tells_something_gets_a_remark_and_no_facts(ask):
    answer = ask("I work for a small operator in Ghana.")
    assert (answer.status, answer.topics) == ("small_talk", ("chatter",))
