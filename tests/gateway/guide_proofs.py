"""What the two guides to devices promise outside of their snippets, and what proves each promise.

A proof quotes its guide to the letter. `tests/gateway/test_guide_sentences.py` finds inline code that no quotation
covers, quotations that the guide no longer has, and proofs that name a test that is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from siaga.model.sites import Device
from tests.gateway.places import device

__all__ = ["PROOFS", "Case", "Elsewhere", "Proof", "Setting"]


@dataclass(frozen=True)
class Case:
    """A message of a device, what it means, and what of it is refused."""

    one: Device
    topic: str
    payload: str
    means: Mapping[str, object]
    kind: str = "gate"
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Elsewhere:
    """A test of its own: `path::name`."""

    test: str


@dataclass(frozen=True)
class Setting:
    """A menu, package or command of a vendor, outside of siaga. Says why no test can run it."""

    why: str


Proof = Case | Elsewhere | Setting

Means = Mapping[str, object]
OPEN: Means = {"gate_open": True}
SHUT: Means = {"gate_open": False}
NOTHING: Means = {}
PRESSED: Means = {"checkin": 1}
GATE = device("g", "json", "desa/gerbang", {"p": "gate_open"})
LIGHT = device("g", "json", "desa/gerbang", {"p": "illuminance", "b": "battery", "r": "rssi", "g": "gate_open"})
LAMP = "office_lighting"
EUI = "70b3d5e75e00a1b4"
UPLINK = f"application/a/device/{EUI}/event/up"
AP = "collectd/ap-balai"
EVENTS = Elsewhere("tests/gateway/test_events.py::test_a_state_is_an_event_when_it_turns_true")
ACTIONS = Elsewhere("tests/gateway/test_events.py::test_an_action_is_an_event_each_time")
COVERS = Elsewhere("tests/gateway/test_covers.py::test_a_cover_speaks_when_it_has_arrived")
GUIDE = Elsewhere("tests/gateway/test_devices_guide.py::test_every_message_means_what_the_guide_says")
MEANING = "tests/gateway/pollers/test_meaning.py::"
ADDRESSES = "tests/gateway/pollers/test_addresses.py::"
POLLING = "tests/gateway/pollers/test_polling.py::"
WEB = "tests/gateway/pollers/test_web.py::"
REACH = "tests/gateway/pollers/test_reach.py::"
RECIPES = "tests/gateway/test_recipes.py::"


def bare(word: str, means: Means) -> Case:
    return Case(GATE, "desa/gerbang", f'{{"p":"{word}"}}', means)


def shelly(key: str, signal: str, topic: str, payload: str, means: Means, kind: str = "gate") -> Case:
    return Case(device("g", "shelly", "alat", {key: signal} if key else {}), topic, payload, means, kind)


def z2m(key: str, payload: str, means: Means, kind: str = "gate") -> Case:
    one = device("g", "zigbee2mqtt", "alat", {key: "gate_open"} if key else {})
    return Case(one, "zigbee2mqtt/alat", payload, means, kind)


def openwrt(key: str, signal: str, part: str, value: str, means: Means, *refused: str) -> Case:
    one = device("g", "openwrt", "ap-balai", {key: signal})
    return Case(one, f"{AP}/{part}", f"1767225600:{value}", means, "free_wifi", refused)


def homie(topic: str, payload: str, means: Means) -> Case:
    return Case(device("g", "homie", "alat"), topic, payload, means)


def anywhere(path: str, payload: str, means: Means) -> Case:
    return Case(device("g", "json", "desa/gerbang", {path: "gate_open"}), "desa/gerbang", payload, means)


DEVICES: list[tuple[str, list[Proof]]] = [
    ("`192.168.1.10` is its address", [Setting("an example's address")]),
    (
        "`every` is the longest interval between two reports of a device. A value is valid for three times "
        "as long. So a device that only reports changes needs a longer `every`",
        [
            Elsewhere(
                "tests/timeline/test_timeline.py::test_an_observation_holds_until_the_next_and_at_most_three_intervals"
            )
        ],
    ),
    (
        "`map` names a native key and its signal, if the family cannot know it, or to replace the default",
        [
            shelly("switch:1", "lamp_on", "alat/status/switch:1", '{"output":true}', {"lamp_on": True}, LAMP),
            shelly("switch:1", "lamp_on", "alat/status/switch:0", '{"output":true}', NOTHING, LAMP),
        ],
    ),
    (
        "`invert` inverts a boolean: `invert: [gate_open]`",
        [Case(device("g", "json", "a", {"p": "gate_open"}, {"gate_open"}), "a", '{"p":true}', SHUT)],
    ),
    (
        "An absent or null value, or a word for nothing (`unavailable`, `None`), is no observation",
        [
            bare("unavailable", NOTHING),
            bare("None", NOTHING),
            Case(GATE, "desa/gerbang", '{"p":null}', NOTHING),
            Case(GATE, "desa/gerbang", "{}", NOTHING),
        ],
    ),
    (
        "A boolean is true for `ON`, `open`, `true` and `1`, false for `OFF`, `close`, `closed`, `false` and `0`, "
        "in any case",
        [
            *(bare(word, OPEN) for word in ("ON", "on", "open", "OPEN", "true", "True", "1")),
            *(bare(word, SHUT) for word in ("OFF", "off", "close", "CLOSE", "closed", "false", "0")),
        ],
    ),
    (
        "For a cover (a gate with a motor), a position of 0 to 100 is a boolean, too: true above 0. A moving "
        "cover gives no value until it has stopped, whatever its position: `opening`, `closing`, `stop`",
        [
            *(bare(word, NOTHING) for word in ("opening", "closing", "stop")),
            *(bare(word, OPEN) for word in ("37", "100")),
            bare("0", SHUT),
            COVERS,
        ],
    ),
    ("`checkin` and `cleaned` are events. An action (of a button) is an event each time", [ACTIONS]),
    (
        "A state that the device repeats (a switch, an occupancy) is an event when it turns true, but its "
        "first value is not. The gateway stores the last state on its disk: its restart is no event, and "
        "loses none",
        [EVENTS, Elsewhere("tests/gateway/test_events.py::test_a_restart_of_the_gateway_is_no_press_and_hides_none")],
    ),
    (
        "An implausible value is no observation: `illuminance` of 65535 lx, `battery` of 255, `rssi` of 31. "
        "It is dropped, and the other values of the message are kept",
        [Case(LIGHT, "desa/gerbang", '{"p":65535,"b":255,"r":31,"g":true}', OPEN)],
    ),
    (
        "`siaga_implausible_total` counts it by signal. `siaga gateway check` shows it, and once an hour the "
        "quarantine does",
        [
            Elsewhere(
                "tests/gateway/test_plausible.py::test_a_gateway_counts_it_shows_one_an_hour_and_says_nothing_to_the_centre"
            ),
            Elsewhere("tests/gateway/test_operation.py::test_what_is_said"),
        ],
    ),
    # Shelly
    (
        "the *custom prefix* is `address`",
        [shelly("", "", "shellies/alat/relay/0", "on", {"lamp_on": True}, LAMP)],
    ),
    (
        "`address` is the whole *MQTT prefix*",
        [
            Case(
                device("g", "shelly", "desa/aula/alat"),
                "desa/aula/alat/status/switch:0",
                '{"output":true}',
                {"lamp_on": True},
                LAMP,
            )
        ],
    ),
    (
        "By default, the first of several channels is used. For others, use `map`: `relay/1` and "
        "`relay/1/energy`, or `switch:1`",
        [
            shelly("", "", "shellies/alat/relay/1", "on", NOTHING, LAMP),
            shelly("relay/1", "lamp_on", "shellies/alat/relay/1", "on", {"lamp_on": True}, LAMP),
            shelly("relay/1/energy", "energy", "shellies/alat/relay/1/energy", "60000", {"energy": 1.0}, LAMP),
            shelly("switch:1", "lamp_on", "alat/status/switch:1", '{"output":false}', {"lamp_on": False}, LAMP),
        ],
    ),
    (
        "A component gives the field that fits the signal. A path selects another: "
        "`devicepower:0.external.present: mains`",
        [
            shelly("switch:1", "power", "alat/status/switch:1", '{"output":true,"apower":7.5}', {"power": 7.5}),
            shelly(
                "devicepower:0.external.present",
                "mains",
                "alat/status/devicepower:0",
                '{"external":{"present":false}}',
                {"mains": False},
                "power",
            ),
        ],
    ),
    (
        "Covers: `cover:0` of Gen2 reads `open` and `closed`, and the position if it `stopped` in between. "
        "Gen1 has the position in `roller/0/pos`; `roller/0` only says where it moves to. A roller that is "
        "not calibrated (`-1`) gives no value",
        [
            shelly("cover:0", "gate_open", "alat/status/cover:0", '{"state":"open"}', OPEN),
            shelly("cover:0", "gate_open", "alat/status/cover:0", '{"state":"closed"}', SHUT),
            shelly("cover:0", "gate_open", "alat/status/cover:0", '{"state":"stopped","current_pos":37}', OPEN),
            shelly("roller/0/pos", "gate_open", "shellies/alat/roller/0/pos", "37", OPEN),
            shelly("roller/0/pos", "gate_open", "shellies/alat/roller/0/pos", "-1", NOTHING),
            shelly("roller/0", "gate_open", "shellies/alat/roller/0", "open", NOTHING),
            COVERS,
        ],
    ),
    (
        "A Gen1 button repeats its last press with a counter: a new `event_cnt` is a new press",
        [Elsewhere("tests/gateway/test_events.py::test_a_press_that_its_device_repeats_is_none_after_a_restart")],
    ),
    (
        "The Gen1 door sensor's `sensor/state` is the gate in a `gate`. A Gen1 device with topics "
        "`shellies/shellies/NAME` has the address `shellies/NAME`",
        [
            shelly("", "", "shellies/alat/sensor/state", "open", OPEN),
            shelly("", "", "shellies/alat/sensor/state", "open", NOTHING, LAMP),
            Case(device("g", "shelly", "shellies/alat"), "shellies/shellies/alat/sensor/state", "close", SHUT),
        ],
    ),
    (
        "Bluetooth devices behind a Shelly need a `map`: `bthomesensor:200: illuminance`",
        [
            shelly(
                "bthomesensor:200",
                "illuminance",
                "alat/status/bthomesensor:200",
                '{"value":12.5}',
                {"illuminance": 12.5},
            )
        ],
    ),
    # Zigbee2MQTT
    (
        "`address` is the friendly name, under `zigbee2mqtt` or another base topic of one level. Switch on "
        "`advanced: last_seen: ISO_8601` and `availability`: they show how old a repeated value is, and "
        "which device is out of reach",
        [
            z2m("", '{"contact":false}', OPEN),
            Case(device("g", "zigbee2mqtt", "alat"), "zb/alat", '{"contact":false}', OPEN),
            Case(device("g", "zigbee2mqtt", "alat"), "zigbee2mqtt/alat/availability", "offline", {"online": False}),
            Elsewhere("tests/gateway/test_zigbee2mqtt.py::test_last_seen_is_the_time_of_what_the_bridge_repeats"),
        ],
    ),
    ("set `every` accordingly", [Setting("how often a contact reports")]),
    (
        "`contact: true` is closed. A plug's `state` is the lamp in `office_lighting`",
        [
            z2m("", '{"contact":true}', SHUT),
            z2m("", '{"state":"ON"}', {"lamp_on": True}, LAMP),
            z2m("", '{"state":"ON"}', NOTHING),
        ],
    ),
    (
        "For a cover, map `position` or `state`. While `moving` is `UP` or `DOWN`, `motor_state` is "
        "`opening` or `closing`, or `running` is true, it gives no value",
        [
            z2m("position", '{"position":37}', OPEN),
            z2m("state", '{"state":"CLOSE"}', SHUT),
            *(
                z2m("position", f'{{"position":37,{moves}}}', NOTHING)
                for moves in (
                    '"moving":"UP"',
                    '"moving":"DOWN"',
                    '"motor_state":"opening"',
                    '"motor_state":"closing"',
                    '"running":true',
                )
            ),
        ],
    ),
    (
        "with `last_seen` they count at that time, otherwise not at all",
        [
            Elsewhere(
                "tests/gateway/test_gateway.py::test_what_a_zigbee_bridge_remembers_is_as_old_as_it_says_and_no_sign_of_life"
            )
        ],
    ),
    # ESPHome
    (
        "With `mqtt:` in the node's configuration. `address` is its `topic_prefix`, which is its name unless you "
        "set one",
        [GUIDE],
    ),
    ("Entities of the kind `binary_sensor` only report changes", [Setting("what ESPHome does")]),
    (
        "For a cover, map `cover/pagar/state` or `cover/pagar/position/state`. An `event/…` is an action, "
        "all other components are states",
        [COVERS, EVENTS, ACTIONS],
    ),
    (
        "An availability on another topic (`birth_message`, `will_message`) is not recognised",
        [Elsewhere("tests/gateway/test_esphome.py::test_is_not_this_node")],
    ),
    (
        "`nan` is refused, and shown in the quarantine",
        [
            Case(
                device("g", "esphome", "alat", {"sensor/terang/state": "illuminance"}),
                "alat/sensor/terang/state",
                "nan",
                NOTHING,
                LAMP,
                ("not_finite",),
            )
        ],
    ),
    # OpenWrt
    (
        "`collectd-mod-mqtt` and `collectd-mod-iwinfo` (and `-uptime`, `-ping`, `-interface` as wanted)",
        [Setting("packages of OpenWrt")],
    ),
    (
        "`address` is collectd's `Hostname`; with another `Prefix` than `collectd`, prefix and host: "
        "`desa/statistik/ap-balai`",
        [
            openwrt("uptime/uptime", "uptime", "uptime/uptime", "9", {"uptime": 9}),
            Case(
                device("g", "openwrt", "desa/statistik/ap-balai"),
                "desa/statistik/ap-balai/iwinfo-wlan0/stations",
                "1767225600:7",
                {"clients": 7},
                "free_wifi",
            ),
        ],
    ),
    (
        "collectd does not measure whether the radio is up, nor whether it is open, and without the first "
        "`free_wifi` cannot be judged. So a script reports both, every minute",
        [Elsewhere(RECIPES + "test_an_openwrt_access_point_alone_judges_free_wifi")],
    ),
    (
        "(`mosquitto-client-nossl`; `/etc/crontabs/root`: `* * * * * /usr/bin/siaga-radio`)",
        [Setting("a package of OpenWrt and its cron")],
    ),
    (
        "A key with `*` adds another source in the same way: `hostapd-*/gauge-clients: clients`",
        [
            openwrt("hostapd-*/gauge-clients", "clients", "hostapd-wlan0/gauge-clients", "4", {"clients": 4}),
            Elsewhere("tests/gateway/test_openwrt.py::test_clients_are_summed_over_radios_that_still_report"),
        ],
    ),
    (
        "If a type has several values, `rx_bytes` takes the first and `tx_bytes` the second. `:rx`, `:tx` or "
        "`:N` after the key selects one",
        [
            openwrt("a/if_octets", "rx_bytes", "a/if_octets", "10:20:30", {"rx_bytes": 10}),
            openwrt("a/if_octets", "tx_bytes", "a/if_octets", "10:20:30", {"tx_bytes": 20}),
            openwrt("a/if_octets:tx", "rx_bytes", "a/if_octets", "10:20:30", {"rx_bytes": 20}),
            openwrt("a/if_octets:rx", "tx_bytes", "a/if_octets", "10:20:30", {"tx_bytes": 10}),
            openwrt("a/if_octets:2", "tx_bytes", "a/if_octets", "10:20:30", {"tx_bytes": 30}),
        ],
    ),
    (
        "`StoreRates false` makes collectd publish counters. A rate is refused, never read as a counter",
        [openwrt("a/if_octets", "rx_bytes", "a/if_octets", "10.5:20.25", NOTHING, "rate")],
    ),
    (
        "A ping to the outside gives `internet` while it is answered. It does not detect a captive portal; a "
        "`probe` does",
        [
            openwrt("ping/ping-9.9.9.9", "internet", "ping/ping-9.9.9.9", "23.4", {"internet": True}),
            openwrt("ping/ping-9.9.9.9", "internet", "ping/ping-9.9.9.9", "nan", {"internet": False}),
            Elsewhere(WEB + "test_the_internet_is_what_answers_204"),
        ],
    ),
    (
        "Instead of the script, a [`probe`](probes.md) in the same facility can give `wifi_up`. Then leave "
        "`internet` to the probe as well: with a device that gives `internet` but neither `wifi_up` nor "
        "`online`, a failure of the other is unknown",
        [Elsewhere(RECIPES + "test_a_probe_beside_an_openwrt_access_point")],
    ),
    # Homie
    (
        "Versions 3, 4 and 5, under `homie` or another root of one level; `address` is the device id (or the whole "
        "path)",
        [
            homie("homie/alat/$state", "ready", {"online": True}),
            homie("homie/5/alat/$state", "ready", {"online": True}),
            homie("rumah/alat/$state", "ready", {"online": True}),
            Case(device("g", "homie", "rumah/satu/alat"), "rumah/satu/alat/$state", "ready", {"online": True}),
        ],
    ),
    (
        "`ready`, `alert` and `init` are online, `lost` and `disconnected` are not; `sleeping` changes nothing",
        [
            *(homie("homie/alat/$state", word, {"online": True}) for word in ("ready", "alert", "init")),
            *(homie("homie/alat/$state", word, {"online": False}) for word in ("lost", "disconnected")),
            homie("homie/alat/$state", "sleeping", NOTHING),
        ],
    ),
    (
        "A word that is no boolean is an action (`single`), except words of presence (`motion`, `clear`), "
        "which are a state",
        [EVENTS, ACTIONS],
    ),
    (
        "A device that rarely repeats its properties needs a matching `every` (`$stats/interval` is the "
        "interval in version 3)",
        [homie("homie/alat/$stats/interval", "300", NOTHING)],
    ),
    # LoRaWAN
    (
        "bridge `v3/+/devices/+/up` from its broker. Both need a payload decoder. `address` is the DevEUI in any "
        "case; `map` "
        "the decoder's keys",
        [
            Case(
                device("g", "lorawan", EUI.upper(), {"door": "gate_open"}),
                "v3/desa@ttn/devices/alat/up",
                f'{{"end_device_ids":{{"dev_eui":"{EUI}"}},"uplink_message":{{"decoded_payload":{{"door":"open"}}}}}}',
                OPEN,
            )
        ],
    ),
    (
        "For an event, any other word is an action: `press: short`",
        [
            Case(
                device("g", "lorawan", EUI, {"press": "checkin"}),
                UPLINK,
                '{"object":{"press":"short"}}',
                {"checkin": 1},
            )
        ],
    ),
    (
        "327.67 and similar limits, which mean a missing probe, give no value. A battery in volts is no "
        "`battery`, which is in per cent",
        [Case(device("g", "lorawan", EUI, {"nh3": "nh3"}), UPLINK, '{"object":{"nh3":327.67}}', NOTHING, "toilet")],
    ),
    (
        "The gateway then reports `heard`, so the device is not called silent, and the server's error "
        "(`event/log` of ChirpStack 4, `event/error` of version 3) is in the quarantine",
        [
            Elsewhere("tests/gateway/test_lorawan.py::test_what_came_instead"),
            Elsewhere("tests/gateway/test_heard.py::test_a_decoder_s_error_is_in_the_quarantine_and_with_the_health"),
        ],
    ),
    (
        "and in the alert `no_evidence`. A join and a device status give `heard`, too; `UPLINK_MIC`, a frame "
        "with another key, does not. Bridge `v3/+/devices/+/join` of The Things Stack as well",
        [Elsewhere("tests/gateway/test_lorawan.py::test_what_came_instead")],
    ),
    (
        "There is no `online`: a LoRaWAN device has no session",
        [Elsewhere("tests/gateway/test_lookalikes.py::test_is_no_last_will")],
    ),
    # Any JSON
    (
        "`address` is the topic, `map` the path of each value: dotted, `sensors.0.value`, or "
        '`$.sensors[0].value`; `*` is any key of one level. `"."` is the whole message, if it is a bare '
        "number or word",
        [
            anywhere("sensors.0.value", '{"sensors":[{"value":1}]}', OPEN),
            anywhere("$.sensors[0].value", '{"sensors":[{"value":1}]}', OPEN),
            anywhere("*.value", '{"pintu":{"value":0}}', SHUT),
            anywhere(".", "OPEN", OPEN),
            anywhere(".", "1", OPEN),
            anywhere(".", '{"value":1}', NOTHING),
        ],
    ),
    (
        "A MikroTik script must not use `running` as the radio's state: RouterOS gives `false` for a "
        "wireless interface without clients, unless it has `disable-running-check=yes`. Publish `disabled` "
        "and invert it",
        [Elsewhere(RECIPES + "test_a_mikrotik_script_says_disabled_and_not_running")],
    ),
    (
        "A `time`, `timestamp` or `ts` next to the values is the device's clock",
        [Elsewhere("tests/gateway/test_json.py::test_a_time_beside_the_values_is_the_devices")],
    ),
    (
        "For an event, booleans and numbers are a repeated state, and other words are actions. A key with "
        "the name `checkin` or `cleaned` is an action each time it is true",
        [EVENTS, ACTIONS],
    ),
]

PROBES: list[tuple[str, list[Proof]]] = [
    ("# Polled devices: `probe` and `snmp`", [Elsewhere(ADDRESSES + "test_what_can_be_asked_is_imported")]),
    (
        "Every device is polled once per `every` (default 1 m), up to a tenth early at random, so that a "
        "hundred of them are not polled in step, and never twice at once",
        [
            Elsewhere(POLLING + "test_each_device_is_asked_once_in_its_every_with_a_time_well_below_it"),
            Elsewhere("tests/gateway/pollers/test_schedule.py::test_a_hundred_devices_do_not_keep_step"),
            Elsewhere("tests/gateway/pollers/test_schedule.py::test_nobody_is_asked_twice_at_once_and_only_so_many"),
        ],
    ),
    (
        "The timeout is a quarter of `every`, at most 5 s",
        [Elsewhere(POLLING + "test_each_device_is_asked_once_in_its_every_with_a_time_well_below_it")],
    ),
    (
        "`siaga_gateway_poll_lag_seconds` says how far the gateway is behind",
        [Elsewhere("tests/gateway/test_guide_sentences.py::test_the_metrics_that_the_guides_name_are_there")],
    ),
    (
        "A host that does not answer is an observation (`wifi_up` false), at the time of the timeout",
        [Elsewhere(MEANING + "test_what_an_answer_to_a_probe_means")],
    ),
    (
        "The reason is one line of the log when it changes (`polled`, with village, device and `how`)",
        [Elsewhere(POLLING + "test_where_nothing_can_be_said_nothing_is_and_the_log_says_why_once")],
    ),
    (
        "## An access point by `probe`",
        [Elsewhere(RECIPES + "test_a_probe_of_an_access_point_holds_with_nobody_connected")],
    ),
    ("| address | how it is polled | `wifi_up` |", [Elsewhere(MEANING + "test_what_an_answer_to_a_probe_means")]),
    (
        "| `192.168.1.2`, `ap-1.lan` | three pings, if the system permits them (below); without an echo, "
        "connections to ports 80, 443, 22, 53 and 8291 at once | an echo, an accepted connection, or a "
        "refused one",
        [
            Elsewhere(REACH + "test_a_host_is_there_by_ping_where_the_machine_permits_it_else_by_a_connection"),
            Elsewhere(REACH + "test_a_connection_that_is_refused_says_so_too"),
            Elsewhere("tests/gateway/test_guide_sentences.py::test_the_ports_and_pings_are_those_of_the_guide"),
        ],
    ),
    (
        "| `192.168.1.2:8291` | a connection to that port | accepted or refused |",
        [Elsewhere(REACH + "test_a_connection_that_is_taken_says_that_somebody_is_there")],
    ),
    (
        "| `http://192.168.1.2/` | its page | any answer, even 401 or a bad certificate |",
        [
            Elsewhere(WEB + "test_a_service_answers_as_it_should_a_radio_answers_at_all"),
            Elsewhere(WEB + "test_a_certificate_that_nobody_signed_is_no_good_service"),
        ],
    ),
    (
        "Pings need no root if `sysctl net.ipv4.ping_group_range` includes the gateway's group",
        [Elsewhere(REACH + "test_a_host_is_there_by_ping_where_the_machine_permits_it_else_by_a_connection")],
    ),
    (
        "SNMP or `openwrt` detects a radio that is switched off in an access point that answers",
        [
            Elsewhere(RECIPES + "test_a_routeros_access_point_is_met_with_nobody_connected"),
            Elsewhere(RECIPES + "test_an_openwrt_access_point_alone_judges_free_wifi"),
        ],
    ),
    (
        "Every probe also gives `internet`. The gateway checks one address for all of them, at the shortest "
        "`every` among them. Each gets the result, at once if it changed",
        [Elsewhere(POLLING + "test_the_internet_is_asked_once_for_all_and_told_to_each")],
    ),
    (
        "All but the first are `internet` false, and the log says which. Redirects are not followed",
        [
            Elsewhere(WEB + "test_the_internet_is_what_answers_204"),
            Elsewhere(WEB + "test_a_redirect_is_not_followed_and_its_query_not_told"),
        ],
    ),
    (
        "Give such a village its own gateway (`gateway: remote`), or do not use `probe` for its Wi-Fi",
        [Elsewhere("tests/sites/test_sites_file.py::test_what_a_file_means")],
    ),
    (
        "| `SIAGA_PROBE_INTERNET_URL` | `http://connectivitycheck.gstatic.com/generate_204` | with `off` "
        "there is no check, and no probe gives `internet` |",
        [
            Elsewhere(ADDRESSES + "test_the_guide_names_the_defaults_that_are"),
            Elsewhere(ADDRESSES + "test_the_internet_can_be_left_alone"),
        ],
    ),
    (
        "It must be plain `http`: a portal cannot answer in place of `https`",
        [Elsewhere(ADDRESSES + "test_a_setting_that_cannot_be_used_is_a_sentence_without_its_secret")],
    ),
    ("## An IT service by `probe`", [Elsewhere(ADDRESSES + "test_what_the_guide_shows_is_read_and_can_be_asked")]),
    (
        "`service_ok` is true for any status 2xx or 3xx. `latency` is the time in ms from the look-up of the "
        "name to the answer, reported with every correct answer. Other expectations follow a `#`, which is "
        "not sent to the server: `#match=TEXT` (in the first 256 kB of the body; spaces as `+` or `%20`), "
        "`#status=401` (only this status), both with `&`. Without `#match` no body is fetched",
        [
            Elsewhere(WEB + "test_a_service_answers_as_it_should_a_radio_answers_at_all"),
            Elsewhere(WEB + "test_the_latency_is_from_the_first_byte_out_to_the_answer"),
            Elsewhere(ADDRESSES + "test_a_host_or_a_web_address"),
        ],
    ),
    (
        "A host without `http` is polled like an access point",
        [Elsewhere(MEANING + "test_what_a_probe_asks")],
    ),
    (
        "`map` may give another meaning to `reachability`, `latency` and `internet`: `{reachability: mains}` "
        "for a mains-powered plug without a battery, in a facility of kind `power`. Without power it does "
        "not answer. But it does not answer either if it is broken or its Wi-Fi is off, and missing `mains` "
        "excuses failures meanwhile",
        [Elsewhere(MEANING + "test_a_map_makes_mains_of_a_host_that_hangs_on_them_and_turns_it_round")],
    ),
    ("`snmpwalk -v2c -c public -On 192.168.1.3 1.3.6.1.2.1.2.2.1.2`", [Setting("a command of net-snmp")]),
    (
        "RouterOS reports a wireless interface as down (ifOperStatus, `1.3.6.1.2.1.2.2.1.8`) while no client "
        "is connected, so free Wi-Fi would fail every night. ifAdminStatus (`1.3.6.1.2.1.2.2.1.7`) says "
        "whether the interface is enabled, and does not depend on clients",
        [
            Elsewhere(RECIPES + "test_a_routeros_access_point_is_met_with_nobody_connected"),
            Elsewhere(MEANING + "test_an_interface_that_is_enabled_is_up_whoever_is_on_it"),
        ],
    ),
    (
        "With `/interface wireless set wlan1 disable-running-check=yes` (on newer devices `/interface wifi set "
        "wifi1 …`)",
        [Setting("a command of RouterOS")],
    ),
    (
        "| `OID` | the value of one object; its instance (`.0`, the interface's number) is part of it |",
        [Elsewhere(ADDRESSES + "test_an_oid_in_numbers"), Elsewhere(MEANING + "test_a_value_of_any_agent_is_read")],
    ),
    (
        "| `OID.*` | all objects below it: numbers are added, and one true boolean is enough |",
        [Elsewhere("tests/gateway/test_guide_sentences.py::test_a_table_is_summed_or_counted")],
    ),
    (
        "| `OID.#` | how many objects are below it, such as the rows of a table of stations; the rows "
        "themselves are not kept |",
        [Elsewhere("tests/gateway/test_guide_sentences.py::test_a_table_is_summed_or_counted")],
    ),
    (
        "| boolean | 1 true or up, 2 and 0 false, texts such as `up` and `enabled`; for ifOperStatus and "
        "ifAdminStatus all states without traffic are false, and `unknown` is no observation; any other "
        "number is refused",
        [
            Elsewhere(MEANING + "test_a_value_of_any_agent_is_read"),
            Elsewhere(MEANING + "test_an_interface_is_up_where_packets_pass"),
            Elsewhere(MEANING + "test_an_integer_of_a_mib_is_no_position"),
        ],
    ),
    (
        "| event | read as a boolean; a polled value is a state: an event when it turns true |",
        [Elsewhere(MEANING + "test_a_polled_value_of_an_event_is_a_state_that_is_repeated")],
    ),
    (
        "| `uptime` | in the standard MIBs (`1.3.6.1.2.1…`) hundredths of a second, elsewhere seconds",
        [Elsewhere(MEANING + "test_a_value_of_any_agent_is_read")],
    ),
    (
        "and implausible ones (less than no clients) are no observation, and are left out of a sum |",
        [Elsewhere("tests/gateway/test_plausible.py::test_an_agent_and_a_probe_say_nothing_with_it_either")],
    ),
    (
        "has none of its objects, the gateway reports `heard` (`docs/gateway.md`): the device is not silent, "
        "and the alert `no_evidence` names the missing object",
        [Elsewhere("tests/gateway/test_heard.py::test_a_device_that_is_asked_and_has_nothing_of_its_map_is_heard")],
    ),
    (
        "Give an access point a `probe` as well, if its silence has to be `wifi_up` false at once",
        [Elsewhere(MEANING + "test_what_an_answer_to_a_probe_means")],
    ),
    (
        "Version 1 has no 64-bit counters: map `ifInOctets` (`1.3.6.1.2.1.2.2.1.10`) and `ifOutOctets` "
        "(`1.3.6.1.2.1.2.2.1.16`) instead of `ifHCInOctets` and `ifHCOutOctets`",
        [Elsewhere("tests/gateway/pollers/test_agent.py::test_an_agent_that_speaks_version_1_only_is_asked_in_it")],
    ),
    (
        "and waits twice as long (four times at most, and no longer than half of `every`). After three "
        "unanswered polls, an agent is polled half as often, then a quarter as often, but never later than 5 "
        "minutes after its `every`",
        [
            Elsewhere("tests/gateway/pollers/test_patience.py::test_after"),
            Elsewhere(
                "tests/gateway/pollers/test_patience.py::test_one_poll_is_over_before_the_next_and_none_waits_for_long"
            ),
        ],
    ),
    (
        "A probe has no back-off, because no answer is its observation",
        [Elsewhere("tests/gateway/pollers/test_patience.py::test_a_probe_is_asked_as_it_is")],
    ),
    (
        "| `SIAGA_SNMP_COMMUNITY` | `public` | for versions 2c and 1, for all agents of the gateway | | "
        "`SIAGA_SNMP_USER` | none | with it, version 3 is used: SHA-1 and AES-128, which RouterOS, OpenWrt "
        "and net-snmp support |",
        [
            Elsewhere(ADDRESSES + "test_settings_say_whom_to_ask_and_with_what"),
            Elsewhere(
                "tests/gateway/pollers/test_agent.py::test_values_and_tables_come_with_a_community_and_with_a_user"
            ),
        ],
    ),
    (
        "| `SIAGA_SNMP_AUTH_PASSWORD`, `SIAGA_SNMP_PRIVACY_PASSWORD` | none | at least 8 characters",
        [Elsewhere(ADDRESSES + "test_a_setting_that_cannot_be_used_is_a_sentence_without_its_secret")],
    ),
    (
        "On RouterOS: `/snmp community set [find default=yes] addresses=192.168.1.10/32 write-access=no`, then "
        "`/snmp set "
        "enabled=yes`",
        [Setting("commands of RouterOS")],
    ),
]

PROOFS = {"devices.md": DEVICES, "probes.md": PROBES}
"""Quotations of each guide, in its order, with their proofs."""
