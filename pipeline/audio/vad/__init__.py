"""Where speech is: detectors behind one Protocol."""
