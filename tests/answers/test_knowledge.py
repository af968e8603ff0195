def test_every_phrasing_reaches_its_topic_and_no_other_claims_it(answers):
    assert [str(mistake) for mistake in answers.check()] == []
