"""Understanding an inquiry and composing a reply that can be trusted.

`knowledge` reads the answer files, `text` and `lexicon` make words of a message, `entities` and
`localtimes` find what it names, `parts` and `understanding` decide what it asks, `premises` checks what it
takes for granted, `compose` says the facts, `answering` does it all for one message. No database and no
Slack comes in here; docs/answers.md tells organisers how to write answers.
"""

from bot.answers.answering import Answers
from bot.answers.model import Answer, AnswerStatus, Choice, Learned, TopicInfo

__all__ = ["Answer", "AnswerStatus", "Answers", "Choice", "Learned", "TopicInfo"]
