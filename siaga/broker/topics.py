"""Which subscriptions a topic reaches (MQTT 3.1.1, section 4.7). Pure."""

__all__ = ["is_filter", "matches", "share"]


def is_filter(text: str) -> bool:
    """Whether a text is a well-formed topic filter: wildcards are whole levels, `#` the last one."""
    levels = text.split("/")
    return bool(text) and all(
        (level == "+" or "+" not in level) and ("#" not in level or (level == "#" and place == len(levels) - 1))
        for place, level in enumerate(levels)
    )


def share(text: str) -> tuple[str, str]:
    """The group and the filter of a shared subscription `$share/GROUP/FILTER`; an empty group for a plain one."""
    if text.startswith("$share/"):
        group, _, topic_filter = text.removeprefix("$share/").partition("/")
        return group, topic_filter
    return "", text


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic is of a filter. A wildcard at the front does not reach topics that begin with `$`."""
    if topic.startswith("$") and topic_filter[0] in "+#":
        return False
    levels = topic.split("/")
    wanted = topic_filter.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(levels) or level not in ("+", levels[place]):
            return False
    return len(wanted) == len(levels)
