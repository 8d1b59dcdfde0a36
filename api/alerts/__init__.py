"""What makes an alert: a village, what is known of it, and what is decided about it. Pure: no I/O, clock or callback.

`api.engine` feeds it, and writes down what it decides.
"""
