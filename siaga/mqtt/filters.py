"""Topic filters of MQTT: which topics a subscription reaches (MQTT 5, section 4.7; 3.1.1 is the same). Pure."""

__all__ = ["is_filter", "matches", "unshared"]

SHARED = "$share/"


def is_filter(text: str) -> bool:
    """Returns whether a text is a well-formed filter: wildcards are whole levels, `#` is the last one.

    A shared subscription is well-formed if its group has a name without wildcards and its filter is well-formed.
    """
    group, plain = unshared(text)
    if group is None and text.startswith(SHARED):
        return False
    if group is not None and (not group or set(group) & set("+#")):
        return False
    levels = plain.split("/")
    return bool(plain) and all(
        (level == "+" or "+" not in level) and ("#" not in level or (level == "#" and place == len(levels) - 1))
        for place, level in enumerate(levels)
    )


def matches(topic_filter: str, topic: str) -> bool:
    """Returns whether a plain filter takes a topic. A wildcard in front takes no topic that begins with `$`."""
    if topic.startswith("$") and topic_filter[:1] in ("+", "#"):
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True  # also the parent level: sport/# takes sport
        if index == len(levels) or (level != "+" and level != levels[index]):
            return False
    return len(wanted) == len(levels)


def unshared(topic_filter: str) -> tuple[str | None, str]:
    """Returns group and filter of `$share/GROUP/FILTER`; no group for any other filter."""
    if topic_filter.startswith(SHARED) and topic_filter.count("/") >= 2:
        _, group, rest = topic_filter.split("/", 2)
        return group, rest
    return None, topic_filter
