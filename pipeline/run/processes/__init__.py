"""What a run does in processes of its own: decoding, recognising, analysing; and the supervision of the recogniser."""
