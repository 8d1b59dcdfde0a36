"""People: accounts, first links, passwords, sign-in and sessions."""

from siaga.database.people.password_rule import SHORTEST, Weakness, weakness
from siaga.database.people.passwords import Passwords
from siaga.database.people.persons import NameTaken, NoSuchPerson, NotAName, Person, Persons
from siaga.database.people.push import MOST_SUBSCRIPTIONS, PushSubscription, PushSubscriptions
from siaga.database.people.sessions import Session, Sessions, Visit
from siaga.database.people.sign_in import Right, SignIn, Wait, Wrong, host_of, network_of

__all__ = [
    "MOST_SUBSCRIPTIONS",
    "SHORTEST",
    "NameTaken",
    "NoSuchPerson",
    "NotAName",
    "Passwords",
    "Person",
    "Persons",
    "PushSubscription",
    "PushSubscriptions",
    "Right",
    "Session",
    "Sessions",
    "SignIn",
    "Visit",
    "Wait",
    "Weakness",
    "Wrong",
    "host_of",
    "network_of",
    "weakness",
]
