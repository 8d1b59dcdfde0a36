"""The read side: what HTTP, pages and reports show, read from the database. Milliseconds in, milliseconds out.

A query knows tables and the pure timeline. It knows no form in which its answer is shown, and no request. It takes a
connection and the scopes that are asked for (`siaga.model.scope.Scopes`): nothing outside of them is in its answer. A
caller's own are `caller.scopes`; `caller.scopes.within(scope)` is what of a scope the caller may see. Answers are
frozen dataclasses, lists come after a key, at most `limit` long, so that a page is found by an index.

| module | answers |
| --- | --- |
| `villages` | `villages`, `village` -> `VillageNow`: link, counts by state, open alerts; `count_villages`, `names_of` |
| `facilities` | `facilities` -> `FacilityNow`; `timeline`, `has_facility`, `facility_names`; counts by state, village |
| `spans` | of many facilities in one query: `judged_facilities`, `spans_by_facility`, `lengths_by_facility`; `filled` |
| `days` | `days_of` -> `FacilityDay`: verdicts of local days with their revisions; `judged_days`, `heard_until` |
| `devices` | `device` -> `KnownDevice`; `latest`: what it said last, from the telemetry store |
| `alerts` | `alerts`, `count_alerts` by an `AlertFilter`; `alert` -> `AlertFile` with comments and actions; `shown` |
| `alert_events` | `events_after`, `newest_event`: for streams |
| `links` | `links` -> `LinkFigures`: cuts and dark time of each village |
| `gateways` | `gateways` -> `GatewayNow`: heard or not, buffer, clocks; what needs attention first |
| `never_heard` | facilities of whose devices nothing ever arrived |
| `maintenance` | `windows` by a `WindowFilter`, `window` -> `KeptWindow`; `sharing`: all villages of an uplink |
| `attestations` | `listed`, `one`, `photo`, `by_village` |
| `scorecard`, `visits` | `villages_page`, `scorecards`; what to visit next |
| `report` | `load`: what a report is made of; `facility_days`: what it costs |
| `seconds` | milliseconds as the seconds of an answer, for the edges |

What was refused is read by `siaga.database.quarantine.Quarantine.items`. What people change is written elsewhere:
`api.alert_records.actions`, `siaga.database.maintenance`, `api.attestations.book`.
"""
