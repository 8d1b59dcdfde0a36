"""The wire formats over MQTT: topics, SenML, batches, refusals. Pure."""
