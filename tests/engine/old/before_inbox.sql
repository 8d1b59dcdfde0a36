BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE alert (
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	severity TEXT NOT NULL, 
	village TEXT NOT NULL, 
	facility TEXT, 
	device TEXT, 
	subject TEXT NOT NULL, 
	began_at BIGINT NOT NULL, 
	raised_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	cleared_at BIGINT, 
	acknowledged_at BIGINT, 
	acknowledged_by TEXT, 
	assignee TEXT, 
	snoozed_until BIGINT, 
	cause TEXT, 
	evidence JSON NOT NULL, 
	revision INTEGER NOT NULL, 
	CONSTRAINT pk_alert PRIMARY KEY (id)
);
INSERT INTO "alert" VALUES('b8b3ffae2e0247419ae4cafd18ed1bb6','facility_failed','major','35.10.16.2001','gerbang',NULL,'35.10.16.2001/gerbang',1772687040000,1772687340001,1772687460000,1772687580000,NULL,NULL,NULL,NULL,'gate_open','{"state":"failed","failed_s":300.001,"signals":{"gerbang-1/gate_open":{"value":false,"time":"2026-03-05T05:09:00Z"}},"reason":"failed_longer_than_grace"}',2);
INSERT INTO "alert" VALUES('2f2d73e6fb9c410090743f5e73649496','facility_failed','major','35.10.16.2001','gerbang',NULL,'35.10.16.2001/gerbang',1772687640000,1772687940001,1772688060000,1772688180000,NULL,NULL,NULL,NULL,'gate_open','{"state":"failed","failed_s":300.001,"signals":{"gerbang-1/gate_open":{"value":false,"time":"2026-03-05T05:19:00Z"}},"reason":"failed_longer_than_grace"}',2);
INSERT INTO "alert" VALUES('55e54a616a064ada98a4d8f757b3c47d','indicator_missed','critical','35.10.16.2001','gerbang',NULL,'35.10.16.2001/gerbang',1772688264001,1772688264001,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"availability_high":0.989999988425926,"target":0.99,"failed_s":864.001,"counted_s":86400.0,"reason":"below_target"}',1);
INSERT INTO "alert" VALUES('396c5334f7ba4525ada5b3e0f6722392','facility_failed','major','35.10.16.2001','gerbang',NULL,'35.10.16.2001/gerbang',1772688240000,1772688540001,1772688660000,1772688780000,NULL,NULL,NULL,NULL,'gate_open','{"state":"failed","failed_s":300.001,"signals":{"gerbang-1/gate_open":{"value":false,"time":"2026-03-05T05:29:00Z"}},"reason":"failed_longer_than_grace"}',2);
INSERT INTO "alert" VALUES('755427da660045919e813ac908d6b8b8','facility_failed','major','35.10.16.2001','gerbang',NULL,'35.10.16.2001/gerbang',1772688840000,1772689140001,NULL,NULL,NULL,NULL,NULL,NULL,'gate_open','{"state":"failed","failed_s":300.001,"signals":{"gerbang-1/gate_open":{"value":false,"time":"2026-03-05T05:39:00Z"}},"reason":"failed_longer_than_grace","flapping":{"raised":4,"within_s":3600,"calm_s":1800}}',2);
INSERT INTO "alert" VALUES('26b1da0dd58440d6bc559b1d103eb52c','village_offline','major','35.10.16.2001',NULL,NULL,'35.10.16.2001',1772689410000,1772689710000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"gateways":{"gw":{"status":null,"last_alive":"2026-03-05T05:43:30Z"}},"uplink":"odp-1","last_arrival":"2026-03-05T05:43:30Z","quiet_s":300.0,"reason":"nothing_arrived","children":[{"village":"35.10.16.2001","began_at":"2026-03-05T05:43:30Z","ended_at":null},{"village":"35.10.16.2002","began_at":"2026-03-05T05:44:00Z","ended_at":null}],"villages":["35.10.16.2001","35.10.16.2002"]}',2);
CREATE TABLE alert_action (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	alert TEXT NOT NULL, 
	action TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	time BIGINT NOT NULL, 
	detail JSON, 
	CONSTRAINT fk_alert_action_alert_alert FOREIGN KEY(alert) REFERENCES alert (id) ON DELETE CASCADE
);
CREATE TABLE alert_comment (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	alert TEXT NOT NULL, 
	author TEXT NOT NULL, 
	time BIGINT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT fk_alert_comment_alert_alert FOREIGN KEY(alert) REFERENCES alert (id) ON DELETE CASCADE
);
CREATE TABLE alert_event (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	alert TEXT NOT NULL, 
	type TEXT NOT NULL, 
	time BIGINT NOT NULL, 
	document JSON NOT NULL, 
	CONSTRAINT fk_alert_event_alert_alert FOREIGN KEY(alert) REFERENCES alert (id) ON DELETE CASCADE
);
INSERT INTO "alert_event" VALUES(1,'b8b3ffae2e0247419ae4cafd18ed1bb6','raised',1772687340001,'{"id":"b8b3ffae2e0247419ae4cafd18ed1bb6","kind":"facility_failed","severity":"major","village":"35.10.16.2001","facility":"35.10.16.2001/gerbang","device":null,"began_at":"2026-03-05T05:04:00Z","raised_at":"2026-03-05T05:09:00.001Z","ended_at":null,"cleared_at":null,"acknowledged_at":null,"acknowledged_by":null,"assignee":null,"cause":"gate_open","evidence":{"state":"failed","failed_s":300.001,"signals":{"gerbang-1/gate_open":{"value":false,"time":"2026-03-05T05:09:00Z"}},"reason":"failed_longer_than_grace"}}');
INSERT INTO "alert_event" VALUES(2,'b8b3ffae2e0247419ae4cafd18ed1bb6','cleared',1772687580000,'{"id":"b8b3ffae2e0247419ae4cafd18ed1bb6","kind":"facility_failed","severity":"major","village":"35.10.16.2001","facility":"35.10.16.2001/gerbang","device":null,"began_at":"2026-03-05T05:04:00Z","raised_at":"2026-03-05T05:09:00.001Z","ended_at":"2026-03-05T05:11:00Z","cleared_at":"2026-03-05T05:13:00Z","acknowledged_at":null,"acknowledged_by":null,"assignee":null,"cause":"gate_open","evidence":{"state":"failed","failed_s":300.001,"signals":{"gerbang-1/gate_open":{"value":false,"time":"2026-03-05T05:09:00Z"}},"reason":"failed_longer_than_grace"}}');
INSERT INTO "alert_event" VALUES(3,'2f2d73e6fb9c410090743f5e73649496','raised',1772687940001,'{"id":"2f2d73e6fb9c410090743f5e73649496","kind":"facility_failed","severity":"major","village":"35.10.16.2001","facility":"35.10.16.2001/gerbang","device":null,"began_at":"2026-03-05T05:14:00Z","raised_at":"2026-03-05T05:19:00.001Z","ended_at":null,"cleared_at":null,"acknowledged_at":null,"acknowledged_by":null,"assignee":null,"cause":"gate_open","evidence":{"state":"failed","failed_s":300.001,"signals":{"gerbang-1/gate_open":{"value":false,"time":"2026-03-05T05:19:00Z"}},"reason":"failed_longer_than_grace"}}');
INSERT INTO "alert_event" VALUES(4,'2f2d73e6fb9c410090743f5e73649496','cleared',1772688180000,'{"id":"2f2d73e6fb9c410090743f5e73649496","kind":"facility_failed","severity":"major","village":"35.10.16.2001","facility":"35.10.16.2001/gerbang","device":null,"began_at":"2026-03-05T05:14:00Z","raised_at":"2026-03-05T05:19:00.001Z","ended_at":"2026-03-05T05:21:00Z","cleared_at":"2026-03-05T05:23:00Z","acknowledged_at":null,"acknowledged_by":null,"assignee":null,"cause":"gate_open","evidence":{"state":"failed","failed_s":300.001,"signals":{"gerbang-1/gate_open":{"value":false,"time":"2026-03-05T05:19:00Z"}},"reason":"failed_longer_than_grace"}}');
INSERT INTO "alert_event" VALUES(5,'55e54a616a064ada98a4d8f757b3c47d','raised',1772688264001,'{"id":"55e54a616a064ada98a4d8f757b3c47d","kind":"indicator_missed","severity":"critical","village":"35.10.16.2001","facility":"35.10.16.2001/gerbang","device":null,"began_at":"2026-03-05T05:24:24.001Z","raised_at":"2026-03-05T05:24:24.001Z","ended_at":null,"cleared_at":null,"acknowledged_at":null,"acknowledged_by":null,"assignee":null,"cause":null,"evidence":{"availability_high":0.989999988425926,"target":0.99,"failed_s":864.001,"counted_s":86400.0,"reason":"below_target"}}');
INSERT INTO "alert_event" VALUES(6,'396c5334f7ba4525ada5b3e0f6722392','raised',1772688540001,'{"id":"396c5334f7ba4525ada5b3e0f6722392","kind":"facility_failed","severity":"major","village":"35.10.16.2001","facility":"35.10.16.2001/gerbang","device":null,"began_at":"2026-03-05T05:24:00Z","raised_at":"2026-03-05T05:29:00.001Z","ended_at":null,"cleared_at":null,"acknowledged_at":null,"acknowledged_by":null,"assignee":null,"cause":"gate_open","evidence":{"state":"failed","failed_s":300.001,"signals":{"gerbang-1/gate_open":{"value":false,"time":"2026-03-05T05:29:00Z"}},"reason":"failed_longer_than_grace"}}');
INSERT INTO "alert_event" VALUES(7,'396c5334f7ba4525ada5b3e0f6722392','cleared',1772688780000,'{"id":"396c5334f7ba4525ada5b3e0f6722392","kind":"facility_failed","severity":"major","village":"35.10.16.2001","facility":"35.10.16.2001/gerbang","device":null,"began_at":"2026-03-05T05:24:00Z","raised_at":"2026-03-05T05:29:00.001Z","ended_at":"2026-03-05T05:31:00Z","cleared_at":"2026-03-05T05:33:00Z","acknowledged_at":null,"acknowledged_by":null,"assignee":null,"cause":"gate_open","evidence":{"state":"failed","failed_s":300.001,"signals":{"gerbang-1/gate_open":{"value":false,"time":"2026-03-05T05:29:00Z"}},"reason":"failed_longer_than_grace"}}');
INSERT INTO "alert_event" VALUES(8,'755427da660045919e813ac908d6b8b8','raised',1772689140001,'{"id":"755427da660045919e813ac908d6b8b8","kind":"facility_failed","severity":"major","village":"35.10.16.2001","facility":"35.10.16.2001/gerbang","device":null,"began_at":"2026-03-05T05:34:00Z","raised_at":"2026-03-05T05:39:00.001Z","ended_at":null,"cleared_at":null,"acknowledged_at":null,"acknowledged_by":null,"assignee":null,"cause":"gate_open","evidence":{"state":"failed","failed_s":300.001,"signals":{"gerbang-1/gate_open":{"value":false,"time":"2026-03-05T05:39:00Z"}},"reason":"failed_longer_than_grace"}}');
INSERT INTO "alert_event" VALUES(9,'755427da660045919e813ac908d6b8b8','updated',1772689380000,'{"id":"755427da660045919e813ac908d6b8b8","kind":"facility_failed","severity":"major","village":"35.10.16.2001","facility":"35.10.16.2001/gerbang","device":null,"began_at":"2026-03-05T05:34:00Z","raised_at":"2026-03-05T05:39:00.001Z","ended_at":null,"cleared_at":null,"acknowledged_at":null,"acknowledged_by":null,"assignee":null,"cause":"gate_open","evidence":{"state":"failed","failed_s":300.001,"signals":{"gerbang-1/gate_open":{"value":false,"time":"2026-03-05T05:39:00Z"}},"reason":"failed_longer_than_grace","flapping":{"raised":4,"within_s":3600,"calm_s":1800}}}');
INSERT INTO "alert_event" VALUES(10,'26b1da0dd58440d6bc559b1d103eb52c','raised',1772689710000,'{"id":"26b1da0dd58440d6bc559b1d103eb52c","kind":"village_offline","severity":"major","village":"35.10.16.2001","facility":null,"device":null,"began_at":"2026-03-05T05:43:30Z","raised_at":"2026-03-05T05:48:30Z","ended_at":null,"cleared_at":null,"acknowledged_at":null,"acknowledged_by":null,"assignee":null,"cause":null,"evidence":{"gateways":{"gw":{"status":null,"last_alive":"2026-03-05T05:43:30Z"}},"uplink":"odp-1","last_arrival":"2026-03-05T05:43:30Z","quiet_s":300.0,"reason":"nothing_arrived"}}');
INSERT INTO "alert_event" VALUES(11,'26b1da0dd58440d6bc559b1d103eb52c','updated',1772689740000,'{"id":"26b1da0dd58440d6bc559b1d103eb52c","kind":"village_offline","severity":"major","village":"35.10.16.2001","facility":null,"device":null,"began_at":"2026-03-05T05:43:30Z","raised_at":"2026-03-05T05:48:30Z","ended_at":null,"cleared_at":null,"acknowledged_at":null,"acknowledged_by":null,"assignee":null,"cause":null,"evidence":{"gateways":{"gw":{"status":null,"last_alive":"2026-03-05T05:43:30Z"}},"uplink":"odp-1","last_arrival":"2026-03-05T05:43:30Z","quiet_s":300.0,"reason":"nothing_arrived","children":[{"village":"35.10.16.2001","began_at":"2026-03-05T05:43:30Z","ended_at":null},{"village":"35.10.16.2002","began_at":"2026-03-05T05:44:00Z","ended_at":null}],"villages":["35.10.16.2001","35.10.16.2002"]}}');
CREATE TABLE day (
	village TEXT NOT NULL, 
	facility TEXT NOT NULL, 
	date DATE NOT NULL, 
	revision INTEGER NOT NULL, 
	digest TEXT NOT NULL, 
	CONSTRAINT pk_day PRIMARY KEY (village, facility, date)
);
CREATE TABLE device (
	village TEXT NOT NULL, 
	id TEXT NOT NULL, 
	facility TEXT NOT NULL, 
	adapter TEXT NOT NULL, 
	CONSTRAINT pk_device PRIMARY KEY (village, id), 
	CONSTRAINT fk_device_village_facility_facility FOREIGN KEY(village, facility) REFERENCES facility (village, id) ON DELETE CASCADE
);
INSERT INTO "device" VALUES('35.10.16.2001','gerbang-1','gerbang','senml');
INSERT INTO "device" VALUES('35.10.16.2002','gerbang-1','gerbang','senml');
CREATE TABLE engine_state (
	"key" TEXT NOT NULL, 
	value JSON NOT NULL, 
	CONSTRAINT pk_engine_state PRIMARY KEY ("key")
);
INSERT INTO "engine_state" VALUES('village/35.10.16.2001','{"since":1772686800000,"devices":{"gerbang-1":1772686800000},"facilities":{"gerbang":"ed3cb95005ba2fc994d98b4e"},"unfinished":[],"beyond":null}');
INSERT INTO "engine_state" VALUES('village/35.10.16.2002','{"since":1772686800000,"devices":{"gerbang-1":1772686800000},"facilities":{"gerbang":"ed3cb95005ba2fc994d98b4e"},"unfinished":[[1772686930000,1772687110001]],"beyond":{"until":1772689820000,"batches":[["gw","00000000-0000-0000-0000-000000000001",177,178]],"words":[["gerbang-1","gate_open",[[1772689380000,true]]],["gw","alive",[[1772689410000,true]]]],"reported":{"gerbang-1":1772689380000}}}');
INSERT INTO "engine_state" VALUES('arrivals_since',1772689380000);
INSERT INTO "engine_state" VALUES('maintenance','[]');
CREATE TABLE escalation (
	alert TEXT NOT NULL, 
	rule TEXT NOT NULL, 
	step INTEGER NOT NULL, 
	village TEXT NOT NULL, 
	due BIGINT NOT NULL, 
	tell JSON NOT NULL, 
	"by" JSON NOT NULL, 
	CONSTRAINT pk_escalation PRIMARY KEY (alert, rule, step), 
	CONSTRAINT fk_escalation_alert_alert FOREIGN KEY(alert) REFERENCES alert (id) ON DELETE CASCADE
);
CREATE TABLE facility (
	village TEXT NOT NULL, 
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_facility PRIMARY KEY (village, id), 
	CONSTRAINT fk_facility_village_village FOREIGN KEY(village) REFERENCES village (code) ON DELETE CASCADE
);
INSERT INTO "facility" VALUES('35.10.16.2001','gerbang','gate','Gerbang',0);
INSERT INTO "facility" VALUES('35.10.16.2002','gerbang','gate','Gerbang',0);
CREATE TABLE first_report (
	village TEXT NOT NULL, 
	device TEXT NOT NULL, 
	signal TEXT NOT NULL, 
	time BIGINT NOT NULL, 
	CONSTRAINT pk_first_report PRIMARY KEY (village, device, signal)
);
INSERT INTO "first_report" VALUES('35.10.16.2001','gerbang-1','gate_open',1772686800000);
INSERT INTO "first_report" VALUES('35.10.16.2001','gw','alive',1772686800000);
INSERT INTO "first_report" VALUES('35.10.16.2002','gerbang-1','gate_open',1772686800000);
INSERT INTO "first_report" VALUES('35.10.16.2002','gw','alive',1772686800000);
CREATE TABLE gateway_state (
	village TEXT NOT NULL, 
	gateway TEXT NOT NULL, 
	status TEXT, 
	status_at BIGINT, 
	last_arrival BIGINT, 
	last_alive BIGINT, 
	CONSTRAINT pk_gateway_state PRIMARY KEY (village, gateway)
);
INSERT INTO "gateway_state" VALUES('35.10.16.2001','gw',NULL,NULL,1772689410000,1772689410000);
INSERT INTO "gateway_state" VALUES('35.10.16.2002','gw',NULL,NULL,1772689440000,1772689410000);
CREATE TABLE maintenance (
	id TEXT NOT NULL, 
	village TEXT, 
	facility TEXT, 
	uplink TEXT, 
	start BIGINT NOT NULL, 
	"end" BIGINT NOT NULL, 
	rrule TEXT, 
	reason TEXT NOT NULL, 
	created_by TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	deleted_by TEXT, 
	deleted_at BIGINT, 
	CONSTRAINT pk_maintenance PRIMARY KEY (id)
);
CREATE TABLE notice (
	event BIGINT NOT NULL, 
	alert TEXT NOT NULL, 
	village TEXT NOT NULL, 
	type TEXT NOT NULL, 
	time BIGINT NOT NULL, 
	CONSTRAINT pk_notice PRIMARY KEY (event), 
	CONSTRAINT fk_notice_alert_alert FOREIGN KEY(alert) REFERENCES alert (id) ON DELETE CASCADE
);
INSERT INTO "notice" VALUES(1,'b8b3ffae2e0247419ae4cafd18ed1bb6','35.10.16.2001','raised',1772687340001);
INSERT INTO "notice" VALUES(2,'b8b3ffae2e0247419ae4cafd18ed1bb6','35.10.16.2001','cleared',1772687580000);
INSERT INTO "notice" VALUES(3,'2f2d73e6fb9c410090743f5e73649496','35.10.16.2001','raised',1772687940001);
INSERT INTO "notice" VALUES(4,'2f2d73e6fb9c410090743f5e73649496','35.10.16.2001','cleared',1772688180000);
INSERT INTO "notice" VALUES(5,'55e54a616a064ada98a4d8f757b3c47d','35.10.16.2001','raised',1772688264001);
INSERT INTO "notice" VALUES(6,'396c5334f7ba4525ada5b3e0f6722392','35.10.16.2001','raised',1772688540001);
INSERT INTO "notice" VALUES(7,'396c5334f7ba4525ada5b3e0f6722392','35.10.16.2001','cleared',1772688780000);
INSERT INTO "notice" VALUES(8,'755427da660045919e813ac908d6b8b8','35.10.16.2001','raised',1772689140001);
INSERT INTO "notice" VALUES(9,'755427da660045919e813ac908d6b8b8','35.10.16.2001','updated',1772689380000);
INSERT INTO "notice" VALUES(10,'26b1da0dd58440d6bc559b1d103eb52c','35.10.16.2001','raised',1772689710000);
INSERT INTO "notice" VALUES(11,'26b1da0dd58440d6bc559b1d103eb52c','35.10.16.2001','updated',1772689740000);
CREATE TABLE notification (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	"key" TEXT NOT NULL, 
	recipient TEXT NOT NULL, 
	provider TEXT NOT NULL, 
	village TEXT, 
	created BIGINT NOT NULL, 
	due BIGINT NOT NULL, 
	lease TEXT, 
	attempts INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	settled BIGINT, 
	problem TEXT, 
	CONSTRAINT uq_notification_key UNIQUE ("key")
);
CREATE TABLE notification_item (
	notification BIGINT NOT NULL, 
	alert TEXT NOT NULL, 
	what TEXT NOT NULL, 
	severity TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	over BOOLEAN NOT NULL, 
	CONSTRAINT pk_notification_item PRIMARY KEY (notification, alert), 
	CONSTRAINT fk_notification_item_notification_notification FOREIGN KEY(notification) REFERENCES notification (id) ON DELETE CASCADE, 
	CONSTRAINT fk_notification_item_alert_alert FOREIGN KEY(alert) REFERENCES alert (id) ON DELETE CASCADE
);
CREATE TABLE notification_provider (
	provider TEXT NOT NULL, 
	failures INTEGER NOT NULL, 
	free_at BIGINT NOT NULL, 
	CONSTRAINT pk_notification_provider PRIMARY KEY (provider)
);
CREATE TABLE quarantine (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	village TEXT, 
	time BIGINT NOT NULL, 
	topic TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	bytes TEXT NOT NULL
);
CREATE TABLE quarantine_dropped (
	village TEXT NOT NULL, 
	dropped BIGINT NOT NULL, 
	CONSTRAINT pk_quarantine_dropped PRIMARY KEY (village)
);
CREATE TABLE registry_version (
	id INTEGER NOT NULL, 
	version BIGINT NOT NULL, 
	CONSTRAINT pk_registry_version PRIMARY KEY (id)
);
INSERT INTO "registry_version" VALUES(1,1);
CREATE TABLE span (
	village TEXT NOT NULL, 
	facility TEXT NOT NULL, 
	start BIGINT NOT NULL, 
	"end" BIGINT, 
	state TEXT NOT NULL, 
	cause TEXT, 
	excused BOOLEAN NOT NULL, 
	CONSTRAINT pk_span PRIMARY KEY (village, facility, start)
);
INSERT INTO "span" VALUES('35.10.16.2001','gerbang',1772686800000,1772687040000,'met',NULL,0);
INSERT INTO "span" VALUES('35.10.16.2002','gerbang',1772686800000,1772689500000,'met',NULL,0);
INSERT INTO "span" VALUES('35.10.16.2001','gerbang',1772687040000,1772687460000,'failed','gate_open',0);
INSERT INTO "span" VALUES('35.10.16.2001','gerbang',1772687460000,1772687640000,'met',NULL,0);
INSERT INTO "span" VALUES('35.10.16.2001','gerbang',1772687640000,1772688060000,'failed','gate_open',0);
INSERT INTO "span" VALUES('35.10.16.2001','gerbang',1772688060000,1772688240000,'met',NULL,0);
INSERT INTO "span" VALUES('35.10.16.2001','gerbang',1772688240000,1772688660000,'failed','gate_open',0);
INSERT INTO "span" VALUES('35.10.16.2001','gerbang',1772688660000,1772688840000,'met',NULL,0);
INSERT INTO "span" VALUES('35.10.16.2001','gerbang',1772688840000,1772689260000,'failed','gate_open',0);
INSERT INTO "span" VALUES('35.10.16.2001','gerbang',1772689260000,1772689500000,'met',NULL,0);
INSERT INTO "span" VALUES('35.10.16.2001','gerbang',1772689500000,NULL,'unknown','village_offline',0);
INSERT INTO "span" VALUES('35.10.16.2002','gerbang',1772689500000,NULL,'unknown','village_offline',0);
CREATE TABLE token (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	hash TEXT NOT NULL, 
	role TEXT NOT NULL, 
	name TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	last_used BIGINT, 
	revoked_at BIGINT, 
	CONSTRAINT uq_token_hash UNIQUE (hash)
);
CREATE TABLE village (
	code TEXT NOT NULL, 
	name TEXT NOT NULL, 
	latitude FLOAT NOT NULL, 
	longitude FLOAT NOT NULL, 
	timezone TEXT NOT NULL, 
	document JSON NOT NULL, 
	told BIGINT NOT NULL, 
	position INTEGER NOT NULL, 
	CONSTRAINT pk_village PRIMARY KEY (code)
);
INSERT INTO "village" VALUES('35.10.16.2001','Tamansuruh',-8.2,114.31,'Asia/Jakarta','{"code":"35.10.16.2001","name":"Tamansuruh","latitude":-8.2,"longitude":114.31,"timezone":"Asia/Jakarta","facilities":[{"id":"gerbang","kind":"gate","name":"Gerbang","devices":[{"id":"gerbang-1","adapter":"senml","every":60000,"address":null,"map":{},"invert":[]}],"since":null,"needs":"any","grace":null,"recovery":null,"target":null,"schedule":null,"silence":null}],"remote":true,"offline_after":300000,"uplink":"odp-1","told":0}',1772686800000,0);
INSERT INTO "village" VALUES('35.10.16.2002','Tamansuruh',-8.2,114.31,'Asia/Jakarta','{"code":"35.10.16.2002","name":"Tamansuruh","latitude":-8.2,"longitude":114.31,"timezone":"Asia/Jakarta","facilities":[{"id":"gerbang","kind":"gate","name":"Gerbang","devices":[{"id":"gerbang-1","adapter":"senml","every":60000,"address":null,"map":{},"invert":[]}],"since":null,"needs":"any","grace":null,"recovery":null,"target":null,"schedule":null,"silence":null}],"remote":true,"offline_after":300000,"uplink":"odp-1","told":0}',1772686800000,1);
CREATE TABLE village_state (
	village TEXT NOT NULL, 
	link TEXT NOT NULL, 
	since BIGINT, 
	last_arrival BIGINT, 
	judged_until BIGINT, 
	CONSTRAINT pk_village_state PRIMARY KEY (village)
);
INSERT INTO "village_state" VALUES('35.10.16.2001','offline',1772689710000,1772689410000,1772689820000);
INSERT INTO "village_state" VALUES('35.10.16.2002','offline',1772689740000,1772689440000,1772689820000);
CREATE INDEX ix_facility_kind ON facility (kind);
CREATE INDEX ix_device_village_facility ON device (village, facility);
CREATE INDEX ix_span_open ON span (state) WHERE "end" IS NULL;
CREATE INDEX ix_span_village_facility_end ON span (village, facility, "end");
CREATE INDEX ix_alert_raised_at_id ON alert (raised_at, id);
CREATE INDEX ix_alert_village_raised_at_id ON alert (village, raised_at, id);
CREATE UNIQUE INDEX uq_alert_open ON alert (kind, subject) WHERE cleared_at IS NULL;
CREATE INDEX ix_alert_event_alert ON alert_event (alert);
CREATE INDEX ix_alert_comment_alert ON alert_comment (alert);
CREATE INDEX ix_alert_action_alert ON alert_action (alert);
CREATE INDEX ix_maintenance_village_end ON maintenance (village, "end");
CREATE INDEX ix_notice_village_time ON notice (village, time);
CREATE INDEX ix_notice_alert ON notice (alert);
CREATE INDEX ix_notification_recipient ON notification (recipient);
CREATE INDEX ix_notification_settled ON notification (settled);
CREATE INDEX ix_notification_waiting ON notification (due) WHERE state = 'waiting';
CREATE INDEX ix_notification_item_alert ON notification_item (alert);
CREATE INDEX ix_escalation_due ON escalation (due);
CREATE INDEX ix_quarantine_village_id ON quarantine (village, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('alert_event',11);
COMMIT;