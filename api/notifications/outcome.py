"""What became of a message at its provider."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Answer", "Outcome"]


class Answer(StrEnum):
    """What became of a message.

    `gone`: the recipient is there no longer, as the provider says. `never`: it cannot be sent, however often it is
    tried: the provider was not asked, or will answer the same each time.
    """

    TAKEN = "taken"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNSURE = "unsure"
    GONE = "gone"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a provider answered; `sentence` goes on after the channel's name, and holds no address."""

    answer: Answer
    sentence: str
