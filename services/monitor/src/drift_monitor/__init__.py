"""Windows of traffic and what they say: aggregate, evaluate, notify, probe. The Lambda entries are in `handlers`."""
