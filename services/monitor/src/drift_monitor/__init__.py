"""Windows of traffic and what they show: aggregate, evaluate, notify, probe.

The entries that Lambda calls are in `handlers`.
"""
