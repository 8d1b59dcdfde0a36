"""Topic filters of MQTT: which topics a subscription means (MQTT 5, section 4.7)."""

__all__ = ["matches", "unshared"]


def matches(topic_filter: str, topic: str) -> bool:
    """Whether the filter, with its `+` and `#`, takes the topic; a wildcard in front takes no topic that begins `$`."""
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
    """The group and the filter of `$share/GROUP/FILTER`; no group for any other filter."""
    if topic_filter.startswith("$share/") and topic_filter.count("/") >= 2:
        _, group, rest = topic_filter.split("/", 2)
        return group, rest
    return None, topic_filter
