"""A password hash that costs nothing: these tests are about who is admitted, not about the cost."""

from dataclasses import replace

from argon2.profiles import RFC_9106_LOW_MEMORY

from siaga.database.people import Passwords

CHEAP = replace(RFC_9106_LOW_MEMORY, time_cost=1, memory_cost=64, parallelism=1)


class CountedPasswords(Passwords):
    """Counts how often a password was hashed or compared."""

    def __init__(self) -> None:
        super().__init__(CHEAP)
        self.compared = 0

    def matches(self, password: str, stored: str | None) -> bool:
        self.compared += 1
        return super().matches(password, stored)
