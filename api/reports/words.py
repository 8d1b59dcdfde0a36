"""What reports say, in Indonesian and in English, beside the words of the pages."""

from collections.abc import Mapping, Sequence

from api.words import WORDS, Language

__all__ = ["COLUMNS", "METHOD", "Language", "Words"]

_ID: Mapping[str, str] = {
    "all": "Semua",
    "yes": "ya",
    "no": "tidak",
    "title": "Laporan ketersediaan fasilitas desa",
    "period": "Periode",
    "scope": "Cakupan",
    "generated_at": "Dibuat (UTC)",
    "provisional": "Sementara",
    "outages_shown": "Gangguan yang dimuat",
    "outages_left_out": "Gangguan yang tidak dimuat",
    "level": "Tingkat",
    "since": "Dinilai sejak",
    "low_now": "Ketersediaan periode ini",
    "low_before": "Ketersediaan {period}",
    "low_change": "Perubahan dari {period}",
    "failed_change": "Perubahan waktu gagal dari {period}",
    "sheet_facility": "Fasilitas",
    "sheet_village_indicator": "Indikator per desa",
    "sheet_village": "Desa",
    "sheet_subdistrict_indicator": "Indikator per kecamatan",
    "sheet_subdistrict": "Kecamatan",
    "sheet_district_indicator": "Indikator per kabupaten",
    "sheet_district": "Kabupaten",
    "sheet_indicator": "Indikator",
    "sheet_all": "Semua",
    "sheet_outages": "Gangguan",
    "sheet_change": "Perubahan",
    "sheet_method": "Cara hitung",
    "days_unit": "hari",
}

_EN: Mapping[str, str] = {
    "all": "All",
    "yes": "yes",
    "no": "no",
    "title": "Availability of village facilities",
    "period": "Period",
    "scope": "Scope",
    "generated_at": "Generated (UTC)",
    "provisional": "Provisional",
    "outages_shown": "Outages listed",
    "outages_left_out": "Outages left out",
    "level": "Level",
    "since": "Judged since",
    "low_now": "Availability in this period",
    "low_before": "Availability {period}",
    "low_change": "Change from {period}",
    "failed_change": "Change of failed time from {period}",
    "sheet_facility": "Facilities",
    "sheet_village_indicator": "Indicators by village",
    "sheet_village": "Villages",
    "sheet_subdistrict_indicator": "Indicators by sub-district",
    "sheet_subdistrict": "Sub-districts",
    "sheet_district_indicator": "Indicators by district",
    "sheet_district": "Districts",
    "sheet_indicator": "Indicators",
    "sheet_all": "All",
    "sheet_outages": "Outages",
    "sheet_change": "Change",
    "sheet_method": "Method",
    "days_unit": "days",
}

_CATALOGUES = {Language.ID: _ID, Language.EN: _EN}

COLUMNS: Mapping[Language, Mapping[str, str]] = {
    Language.ID: {
        "level": "Tingkat",
        "id": "Kode",
        "name": "Nama",
        "kind": "Jenis",
        "facilities": "Fasilitas",
        "required_s": "Waktu wajib",
        "met_s": "Terpenuhi",
        "failed_s": "Gagal",
        "unknown_s": "Tidak diketahui",
        "excused_s": "Dimaklumi",
        "excused_later_s": "Dimaklumi belakangan",
        "availability_low": "Ketersediaan (tidak diketahui dianggap gagal)",
        "availability_high": "Ketersediaan (tidak diketahui dianggap terpenuhi)",
        "coverage": "Cakupan data",
        "measured": "Terukur apa adanya",
        "outages": "Gangguan",
        "longest_outage_s": "Gangguan terlama",
        "mttr_s": "Rata-rata pemulihan",
        "mtbf_s": "Rata-rata antargangguan",
        "days_met": "Hari terpenuhi",
        "days_missed": "Hari tidak terpenuhi",
        "days_unjudged": "Hari tidak dinilai",
        "days_not_required": "Hari di luar jadwal",
        "days_provisional": "Hari sementara",
        "target": "Sasaran",
        "budget_s": "Jatah gagal",
        "left_s": "Sisa jatah",
        "facility": "Fasilitas",
        "start": "Mulai (waktu setempat)",
        "end": "Selesai (waktu setempat)",
        "duration_s": "Lama",
        "cause": "Sebab",
        "alert": "Peringatan",
        "acknowledged_by": "Ditangani oleh",
        "acknowledged_at": "Ditangani (waktu setempat)",
    },
    Language.EN: {
        "level": "Level",
        "id": "Code",
        "name": "Name",
        "kind": "Kind",
        "facilities": "Facilities",
        "required_s": "Required",
        "met_s": "Met",
        "failed_s": "Failed",
        "unknown_s": "Not known",
        "excused_s": "Excused",
        "excused_later_s": "Excused later",
        "availability_low": "Availability (not known counts as failed)",
        "availability_high": "Availability (not known counts as met)",
        "coverage": "Coverage",
        "measured": "As measured",
        "outages": "Outages",
        "longest_outage_s": "Longest outage",
        "mttr_s": "Mean time to repair",
        "mtbf_s": "Mean time between outages",
        "days_met": "Days met",
        "days_missed": "Days missed",
        "days_unjudged": "Days not judged",
        "days_not_required": "Days not required",
        "days_provisional": "Days provisional",
        "target": "Target",
        "budget_s": "Failure budget",
        "left_s": "Budget left",
        "facility": "Facility",
        "start": "Start (local time)",
        "end": "End (local time)",
        "duration_s": "Duration",
        "cause": "Cause",
        "alert": "Alert",
        "acknowledged_by": "Acknowledged by",
        "acknowledged_at": "Acknowledged (local time)",
    },
}
"""Headings for people, by the name of a column."""

METHOD: Mapping[Language, Sequence[str]] = {
    Language.ID: (
        "Setiap angka dihitung dari jumlah detik, menurut jam desa masing-masing.",
        "Waktu wajib = terpenuhi + gagal + tidak diketahui. Di luar jadwal tidak dihitung.",
        "Fasilitas dinilai sejak tanggal dalam berkas lokasi, atau sejak bacaan pertamanya. Waktu sebelum itu tidak "
        "dihitung sama sekali.",
        "Dimaklumi: bagian dari gagal dan tidak diketahui selama pemeliharaan terencana atau tanpa listrik PLN. "
        "Dimaklumi belakangan: bagian yang hanya bersandar pada pemeliharaan yang dicatat sesudahnya.",
        "Ketersediaan = terpenuhi / (wajib - dimaklumi). Yang tidak diketahui sekali dianggap gagal dan sekali "
        "dianggap terpenuhi: kebenaran ada di antaranya.",
        "Terukur apa adanya = terpenuhi / wajib: tidak ada yang dikeluarkan.",
        "Cakupan data = (terpenuhi + gagal) / wajib.",
        "Gangguan: gagal tanpa jeda, tidak dimaklumi, lebih lama dari tenggang; dihitung utuh, juga di luar periode.",
        "Rata-rata pemulihan: dari gangguan yang sudah selesai. Rata-rata antargangguan = terpenuhi / gangguan.",
        "Jatah gagal = (1 - sasaran) x (wajib - dimaklumi). Sisa jatah dikurangi gagal yang tidak dimaklumi; negatif "
        "bila terlampaui.",
        "Baris gabungan adalah jumlah detik dari fasilitasnya, bukan rata-rata persentase.",
        "Persentase dipotong, tidak dibulatkan: 98,996 % ditulis 98,99 %.",
        "Sementara: hari yang masih berjalan, atau yang datanya mungkin masih tersimpan di gateway.",
        "Periode pembanding dihitung utuh, juga bila periode ini masih berjalan.",
    ),
    Language.EN: (
        "Every figure comes from a sum of seconds, by each village's own clock.",
        "Required = met + failed + not known. Time outside of the schedule does not count.",
        "A facility is judged from the date in the sites file, or from its first reading. Time before that does not "
        "count at all.",
        "Excused: the part of failed and not known during planned maintenance or without grid power. Excused later: "
        "the part that rests on maintenance alone that was declared afterwards.",
        "Availability = met / (required - excused). What is not known counts once as failed and once as met: the "
        "truth lies between.",
        "As measured = met / required: nothing is left out.",
        "Coverage = (met + failed) / required.",
        "Outage: failed without a break, not excused, longer than the grace; counted whole, also beyond the period.",
        "Mean time to repair: of the outages that are over. Mean time between outages = met / outages.",
        "Failure budget = (1 - target) x (required - excused). What is left of it after failures that are not "
        "excused; negative when overspent.",
        "A row of several is the sum of the seconds of its facilities, not a mean of percentages.",
        "Percentages are cut, not rounded: 98.996 % is written 98.99 %.",
        "Provisional: a day that still runs, or whose data a gateway may still hold.",
        "The periods compared with count whole, also while this period still runs.",
    ),
}
"""How the figures come about, a sentence a line."""


class Words:
    """One language: the sentences of reports, and what kinds and causes are called."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._catalogue = _CATALOGUES[language]
        self._pages = WORDS[language]

    def __call__(self, key: str, **values: str) -> str:
        """The sentence of a key, with values put in."""
        return self._catalogue[key].format(**values)

    def kind(self, kind: str) -> str:
        """What an indicator is called."""
        return self._pages.kind(kind)

    def failure(self, cause: str | None) -> str | None:
        """The cause of a failure in words."""
        return self.cause("failed", cause)

    def cause(self, state: str, cause: str | None) -> str | None:
        """A cause in words; `state` is what it is the cause of."""
        return self._pages.cause(state, cause)

    def heading(self, column: str) -> str:
        """The heading of a column for people."""
        return COLUMNS[self.language][column]
