"""One component per file; each takes one frozen Args, parents its children and reads no configuration."""
