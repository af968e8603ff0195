from datetime import UTC, datetime

import pytest

from bot.programme.model import Programme

BEFORE = datetime(2025, 11, 20, 9, tzinfo=UTC)
DURING = datetime(2025, 11, 25, 13, 40, tzinfo=UTC)
AFTER = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def programme(config):
    return Programme.from_config(config)


@pytest.fixture(scope="session")
def ask(answers, programme):
    def ask(text, *, at=BEFORE, programme=programme, **more):
        return answers.answer(text, at=at, programme=programme, **more)

    return ask
