"""From what is written to what is asked: text and values become requests, and nothing is sent."""
