"""What travels over MQTT, pure: topics, SenML, batches, refusals."""
