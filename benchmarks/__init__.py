"""Speed, measured side by side with the plain way; no test depends on it.

`make bench` compares serving, `make bench-train` compares training. Both print one JSON
object on stdout and a table for people on stderr.
"""
