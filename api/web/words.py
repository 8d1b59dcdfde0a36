"""What the pages say, in Indonesian and in English, and how they write numbers and times."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent

from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.indicators import INDICATORS

__all__ = ["WORDS", "Language", "Words", "chosen_language"]


class Language(StrEnum):
    """The languages of the pages, the first one by default."""

    ID = "id"
    EN = "en"


_ID: Mapping[str, str] = {
    "title": "Keadaan fasilitas desa",
    "tagline": "Siaga memantau fasilitas desa sepanjang waktu. Yang tidak diketahui ditulis tidak diketahui.",
    "skip": "Langsung ke isi",
    "other_language": "English",
    "villages": "Desa",
    "no_villages": "Belum ada desa. Berkas lokasi diimpor dengan: siaga import BERKAS",
    "all_villages": "Semua desa",
    "more_villages": "Desa berikutnya",
    "facilities": "fasilitas",
    "village_count": "desa",
    "alerts": "Peringatan terbuka",
    "no_alerts": "Tidak ada peringatan terbuka.",
    "more_alerts": "dan {count} lagi",
    "since": "sejak {time}",
    "last_day": "24 jam terakhir",
    "share": "terpenuhi {share}",
    "now": "kini",
    "legend": "Arti pita",
    "updated": "Diperbarui {time}",
    "stale": "Sambungan ke server terputus. Yang tampak di sini mungkin sudah berubah.",
    "link_online": "terhubung",
    "link_offline": "terputus",
    "link_never": "belum pernah terdengar",
    "excused": "dimaklumi",
    "state_met": "terpenuhi",
    "state_failed": "gagal",
    "state_unknown": "tidak diketahui",
    "state_not_required": "di luar jadwal",
    "never_judged": "belum dinilai",
    "not_judged": "tidak dinilai",
    "never_heard": "belum pernah terdengar: periksa alamat perangkatnya",
    "kind_power": "Listrik PLN",
    "alert_facility_failed": "{subject}: gagal",
    "alert_indicator_missed": "{subject}: di bawah sasaran 24 jam terakhir",
    "alert_device_silent": "Perangkat {subject} tidak melapor",
    "alert_no_evidence": "Perangkat {subject} melapor tanpa data yang dapat dinilai",
    "alert_village_offline": "Desa terputus: gateway tidak terdengar",
    "alert_gateway_buffer": "Penyimpanan gateway {subject} hampir penuh",
    "alert_clock_skew": "Jam perangkat {subject} tidak tepat",
    "clock_behind": ", terlambat {duration}",
    "clock_ahead": ", terlalu cepat {duration}",
    "duration_moment": "kurang dari 1 menit",
    "duration_d": "{n} hari",
    "duration_h": "{n} jam",
    "duration_m": "{n} menit",
    "planned": "pekerjaan terencana sampai {time}",
    "severity_critical": "kritis",
    "severity_major": "berat",
    "severity_minor": "ringan",
    "severity_warning": "perhatian",
    "cause_village_offline": "gateway desa tidak terdengar",
    "cause_device_silent": "perangkat tidak melapor",
    "cause_no_evidence": "tidak ada data yang dapat dinilai",
    "cause_unknown_signal": "tidak ada data: {signal}",
    "cause_failed_signal": "{signal} tidak sebagaimana mestinya",
    "failed_wifi_up": "pemancar Wi-Fi mati",
    "failed_wifi_open": "Wi-Fi meminta kata sandi",
    "failed_internet": "Wi-Fi tanpa akses internet",
    "failed_online": "perangkat tidak tersambung",
    "failed_checkin": "penjaga belum melapor",
    "failed_presence": "tidak ada penjaga",
    "failed_gate_open": "gerbang tertutup",
    "failed_lamp_on": "lampu padam",
    "failed_power": "lampu tidak memakai daya",
    "failed_illuminance": "terlalu gelap",
    "failed_cleaned": "belum dibersihkan",
    "failed_nh3": "amonia melewati batas",
    "failed_service_ok": "layanan tidak menjawab",
    "unreadable": "Halaman ini belum dapat dibuat",
    "unreadable_detail": "Siaga sedang mulai, atau basis datanya tidak menjawab. Halaman ini mencoba lagi sendiri.",
    "not_found": "Halaman tidak ada",
    "not_found_detail": "Tidak ada desa dengan kode itu.",
    "switched_off": "Halaman umum dimatikan",
    "foreign": "Formulir ini bukan dari sini",
    "foreign_detail": "Isian ini tidak dikirim dari halaman siaga. Buka halamannya lagi dan kirim dari sana.",
    "switched_off_detail": "Pengelola mematikan halaman ini. Pintu masuk untuk program adalah /api/v1.",
}

_EN: Mapping[str, str] = {
    "title": "State of village facilities",
    "tagline": "Siaga watches village facilities around the clock. What is not known is shown as not known.",
    "skip": "Skip to content",
    "other_language": "Bahasa Indonesia",
    "villages": "Villages",
    "no_villages": "No villages yet. A sites file is imported with: siaga import FILE",
    "all_villages": "All villages",
    "more_villages": "More villages",
    "facilities": "facilities",
    "village_count": "villages",
    "alerts": "Open alerts",
    "no_alerts": "No open alerts.",
    "more_alerts": "and {count} more",
    "since": "since {time}",
    "last_day": "last 24 hours",
    "share": "met {share}",
    "now": "now",
    "legend": "How to read a strip",
    "updated": "Updated {time}",
    "stale": "No connection to the server. What is shown here may have changed.",
    "link_online": "connected",
    "link_offline": "disconnected",
    "link_never": "never heard",
    "excused": "excused",
    "state_met": "met",
    "state_failed": "failed",
    "state_unknown": "unknown",
    "state_not_required": "off schedule",
    "never_judged": "not judged yet",
    "not_judged": "not judged",
    "never_heard": "never heard: check the addresses of its devices",
    "kind_power": "Mains power",
    "alert_facility_failed": "{subject}: failed",
    "alert_indicator_missed": "{subject}: below target in the last 24 hours",
    "alert_device_silent": "Device {subject} does not report",
    "alert_no_evidence": "Device {subject} reports nothing to judge by",
    "alert_village_offline": "Village disconnected: its gateway is not heard",
    "alert_gateway_buffer": "The buffer of gateway {subject} is nearly full",
    "alert_clock_skew": "The clock of device {subject} is wrong",
    "clock_behind": ", {duration} behind",
    "clock_ahead": ", {duration} ahead",
    "duration_moment": "less than 1 min",
    "duration_d": "{n} d",
    "duration_h": "{n} h",
    "duration_m": "{n} min",
    "planned": "planned until {time}",
    "severity_critical": "critical",
    "severity_major": "major",
    "severity_minor": "minor",
    "severity_warning": "warning",
    "cause_village_offline": "the village's gateway is not heard",
    "cause_device_silent": "the device does not report",
    "cause_no_evidence": "there is nothing to judge by",
    "cause_unknown_signal": "no data: {signal}",
    "cause_failed_signal": "{signal} is not as it should be",
    "failed_wifi_up": "the Wi-Fi access point is off",
    "failed_wifi_open": "the Wi-Fi asks for a password",
    "failed_internet": "the Wi-Fi does not reach the internet",
    "failed_online": "the device is not connected",
    "failed_checkin": "the guard has not checked in",
    "failed_presence": "no guard is there",
    "failed_gate_open": "the gate is closed",
    "failed_lamp_on": "the lamp is off",
    "failed_power": "the lamp draws no power",
    "failed_illuminance": "it is too dark",
    "failed_cleaned": "not cleaned in time",
    "failed_nh3": "ammonia is over the limit",
    "failed_service_ok": "the service does not answer",
    "unreadable": "This page cannot be made now",
    "unreadable_detail": "Siaga is starting, or its database does not answer. This page tries again by itself.",
    "not_found": "No such page",
    "not_found_detail": "There is no village with that code.",
    "switched_off": "The public page is switched off",
    "foreign": "This form is not from here",
    "foreign_detail": "This was not sent from a page of siaga. Open the page again and send it from there.",
    "switched_off_detail": "The operator has switched this page off. Programs enter at /api/v1.",
}

_CATALOGUES = {Language.ID: _ID, Language.EN: _EN}
_CLOCK = {Language.ID: "HH.mm", Language.EN: "HH:mm"}
"""Both count to 24; Indonesian parts hours and minutes by a full stop."""


class Words:
    """One language: its sentences, its numbers, its times."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.other = Language.EN if language is Language.ID else Language.ID
        self._catalogue = _CATALOGUES[language]
        self._clock = _CLOCK[language]

    def __call__(self, key: str, **values: str) -> str:
        """The sentence of a key, with values put in."""
        return self._catalogue[key].format(**values)

    def kind(self, kind: str) -> str:
        """What a kind of facility is called."""
        indicator = INDICATORS.get(kind)
        if indicator is None:
            return self._catalogue.get(f"kind_{kind}", kind)
        return indicator.name_id if self.language is Language.ID else indicator.name_en

    def cause(self, state: str, cause: str | None) -> str | None:
        """A cause in words; `state` is what it is the cause of."""
        if cause is None:
            return None
        named = self._catalogue.get(f"cause_{cause}")
        if named is not None:
            return named
        if state == "failed":
            return self._catalogue.get(f"failed_{cause}") or self("cause_failed_signal", signal=cause)
        return self("cause_unknown_signal", signal=cause)

    def number(self, number: int) -> str:
        """A whole number, its thousands parted."""
        return format_decimal(number, locale=self.language.value)

    def percent(self, share: float) -> str:
        """A share as a percentage with one decimal, cut and not rounded up: only all of it is 100 %."""
        return format_percent(int(share * 1000) / 1000, "#,##0.#\u00a0%", locale=self.language.value)

    def duration(self, milliseconds: int) -> str:
        """A duration in its two largest units, such as `1 jam 5 menit`; minutes are the smallest."""
        if milliseconds < MINUTE:
            return self("duration_moment")
        parts = {"d": milliseconds // DAY, "h": milliseconds % DAY // HOUR, "m": milliseconds % HOUR // MINUTE}
        if parts["d"]:
            del parts["m"]
        return " ".join(self(f"duration_{unit}", n=self.number(n)) for unit, n in parts.items() if n)

    def clock(self, evidence: Mapping[str, object]) -> str:
        """Returns by how much a device's clock is off, to follow the sentence that says so; empty if not known."""
        offset = evidence.get("offset_s")
        if not isinstance(offset, int | float):
            return ""
        return self("clock_behind" if offset < 0 else "clock_ahead", duration=self.duration(round(abs(offset) * 1000)))

    def time(self, time: int, now: int, timezone: str, *, zone: bool = True) -> str:
        """A time (ms) by the village's clock: with its date where that is not today's."""
        there = ZoneInfo(timezone)
        local, today = (datetime.fromtimestamp(at / 1000, UTC).astimezone(there) for at in (time, now))
        form = self._clock if local.date() == today.date() else f"d MMM {self._clock}"
        if local.year != today.year:
            form = f"d MMM y {self._clock}"
        text = format_datetime(local, form, locale=self.language.value)
        return f"{text} {local.tzname()}" if zone else text


WORDS: Mapping[Language, Words] = {language: Words(language) for language in Language}
"""The words of each language."""


def chosen_language(asked: str | None, accepted: str | None) -> Language:
    """The language of `?lang=`, else the one that the browser's `Accept-Language` prefers, else Indonesian."""
    if asked in tuple(Language):
        return Language(asked)
    best, best_weight = Language.ID, 0.0
    for part in (accepted or "").split(",")[:20]:
        tag, _, weight_text = part.strip().partition(";q=")
        name = tag.partition("-")[0].strip().lower()
        try:
            weight = float(weight_text or 1)
        except ValueError:
            continue
        if name in tuple(Language) and weight > best_weight:
            best, best_weight = Language(name), weight
    return best
