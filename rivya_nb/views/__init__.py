"""Pictures and words from records: how runs, models and the history are shown."""
