"""Who may log in to the centre's broker: the files that Mosquitto reads, and the one file that goes onto a gateway.

`broker_files` changes the broker's directory, `gateway_file` is what a gateway reads. A gateway imports only that: the
other needs certificates, and memory.
"""
