"""A village to simulate, with one facility of every kind, its device speaking SenML or Tasmota."""

from pathlib import Path

from firmware_sim.sites import SimulatedVillage, read_sites

CODE = "35.10.20.2001"
SITES = f"""
villages:
  - code: "{CODE}"
    name: Sumbersari
    lat: -8.21
    lon: 114.36
    timezone: Asia/Jakarta
    facilities:
      - {{id: gerbang, kind: gate, name: Gerbang, devices: [{{id: kontak, adapter: tasmota, address: kontak-depan,
          every: 1m, map: {{Switch1: gate_open}}, invert: [gate_open]}}]}}
      - {{id: wifi, kind: free_wifi, name: Wi-Fi, devices: [{{id: ap, adapter: senml, every: 1m}}]}}
      - {{id: lampu, kind: office_lighting, name: Lampu, devices: [{{id: relai, adapter: tasmota, every: 1m}}]}}
      - {{id: jaga, kind: night_guard, name: Jaga, devices: [{{id: tombol, adapter: senml, every: 1m}}]}}
      - {{id: listrik, kind: power, name: PLN, devices: [{{id: pln, adapter: senml, every: 1m}}]}}
      - {{id: toilet, kind: toilet, name: Toilet, devices: [{{id: nh3, adapter: zigbee2mqtt, address: wc, every: 1m}}]}}
"""


def village(directory: Path) -> SimulatedVillage:
    path = directory / "sites.yaml"
    path.write_text(SITES)
    return read_sites(path)[0]
