"""Past traffic through the detectors: windows of stored or read rows, and what each detector would have said."""
