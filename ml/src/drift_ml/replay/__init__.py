"""Past traffic through the detectors: windows of stored or read rows, and what each would say."""
